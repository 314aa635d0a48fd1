"""The check on addresses against the oracle, on addresses at random and at every border."""

from hypothesis import given
from hypothesis import strategies as st

from retailpulse.fetch.target.addresses import is_permitted
from tests.fuzz.addressing import ADDRESSES, NETWORKS, near_networks, spelled
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.oracle import Address, Network, is_special, may_be_dialled


@share(0.08)
@given(address=ADDRESSES, data=st.data())
def test_an_address_is_permitted_where_the_registries_call_it_global(
    counter: CaseCounter, address: Address, data: st.DataObject
) -> None:
    counter.count("addresses")
    text = data.draw(spelled(address))
    assert is_permitted(text, ()) == may_be_dialled(address, ()), text


@share(0.05)
@given(address=ADDRESSES)
def test_what_python_calls_special_is_never_permitted(counter: CaseCounter, address: Address) -> None:
    counter.count("special addresses")
    assert not (is_permitted(str(address), ()) and is_special(address)), str(address)


@share(0.06)
@given(beside=near_networks())
def test_allowed_networks_open_themselves_and_nothing_else(
    counter: CaseCounter, beside: tuple[Address, tuple[Network, ...]]
) -> None:
    counter.count("allowed networks")
    address, allowed = beside
    assert is_permitted(str(address), allowed) == may_be_dialled(address, allowed), str(address)


@share(0.01)
@given(text=st.text(), allowed=st.lists(NETWORKS, max_size=2))
def test_any_text_is_judged_without_an_error(counter: CaseCounter, text: str, allowed: list[Network]) -> None:
    counter.count("texts for addresses")
    assert is_permitted(text, tuple(allowed)) in {True, False}
    assert not is_permitted(f"x{text}", (*allowed,))
