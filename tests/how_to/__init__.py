"""The pages of docs/how-to, typed word by word on a copy of this machine that is thrown away."""
