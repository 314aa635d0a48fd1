"""Analyses: jobs whose images are photos of other jobs, to be looked at again by new or changed analyzers."""
