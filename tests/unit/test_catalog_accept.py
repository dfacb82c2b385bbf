"""The fast verdict on a parameter and the one that words faults are the same."""

from hypothesis import example, given
from hypothesis import strategies as st

from specrun.canonical import Json
from specrun.catalog.accept import accepts
from specrun.catalog.load import load_catalog
from specrun.catalog.schema import ModelSchema
from specrun.catalog.validate import property_faults

MODELS = list(load_catalog().models.values())
PARAMETERS = [(model, name) for model in MODELS for name in model.properties]

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
near = st.sampled_from([-2, -1, 0, 0.0, 0.5, 1, 1.0, 4, 5, 10, 10.5, 20, 28.0, 50, 51, 2**31 - 1, 2**31, True])
texts = st.text() | st.sampled_from(["16:9", "0:1", "1:1\n", "1024x768", "255x256", "1536x1537", "url", "b64_json", ""])
values = st.recursive(
    numbers | near | texts | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(parameter=st.sampled_from(PARAMETERS), value=values)
@example(parameter=PARAMETERS[0], value="")
def test_the_fast_verdict_equals_the_one_that_explains(parameter: tuple[ModelSchema, str], value: Json) -> None:
    model, name = parameter
    assert accepts(model, name, value) == (not property_faults(model, name, value))
