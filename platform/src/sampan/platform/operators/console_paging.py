"""How the console API gives out lists: always in pages, `?cursor=&limit=` in, `{items, next_cursor, total}` out."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from sampan.platform.engines.paging import DEFAULT_LIMIT, MAX_COUNTED, MAX_LIMIT, Found, Paging, page_of

Item = TypeVar("Item")
Record = TypeVar("Record")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` goes into `cursor` for the next one and is null on the last."""

    items: list[Item]
    next_cursor: str | None = Field(description="Goes into `cursor` for the next page; null on the last one.")
    total: int | None = Field(
        description=f"Items of all pages; {MAX_COUNTED} means that many or more, null that they are not counted."
    )


def _paging(
    cursor: Annotated[str | None, Query(max_length=2000, description="The `next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most items of the page.")] = DEFAULT_LIMIT,
) -> Paging:
    return Paging(cursor, limit)


Paged = Annotated[Paging, Depends(_paging)]


def page(found: Found[Record], view: Callable[[Record], Item]) -> Page[Item]:
    """Return the answer for a page of records."""
    shown = found.shown(view)
    return Page(items=shown.items, next_cursor=shown.next_cursor, total=shown.total)


def listed(items: Sequence[Item], paging: Paging, *, key: Callable[[Item], str]) -> Page[Item]:
    """Return a page of answers that are in memory anyway, by their unique text `key`."""
    found = page_of(items, paging, key=key)
    return Page(items=found.items, next_cursor=found.next_cursor, total=found.total)
