"""Values of JSON as a lock may hold them: what is read is not believed.

A whole number past 2^53 - 1 has no canonical form, and so no key, and no place in the ledger.
"""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from specrun.canonical import LARGEST_INTEGER

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_INTEGER)]
if TYPE_CHECKING:
    Param: TypeAlias = Any
else:
    # Readers are built straight from this type, which a recursive alias stops.
    _Part = Number | float | str | bool | None | list[Any] | dict[str, Any]
    Param = Number | float | str | bool | None | list[_Part] | dict[str, _Part]
