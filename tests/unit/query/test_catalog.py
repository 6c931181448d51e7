"""The questions an entity can be asked: names, aliases, exclusions, orders, and filters that come together."""

from __future__ import annotations

import pickle

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse import Assignment, Project, QueryError, Task, TaskTag
from synapse.query import Catalog, Condition, Exact, Gt, In, Lte, NotIn
from synapse.query.lookups import BY_NAME, Nothing
from tests.unit.query.conftest import BEGINNING, Row, holds

IDS = st.integers(1, 6)
STATUSES = st.sampled_from(["stand_by", "in_progress", "completed"])
ROWS = [
    {"id": key, "status": status, "is_done": done, "created": BEGINNING + timedelta(days=key)}
    for key in range(1, 7)
    for status in ("stand_by", "in_progress", "completed")
    for done in (True, False)
]
ASKED = st.one_of(
    st.tuples(st.sampled_from(["id", "pk__exact", "id__gt", "id__gte", "pk__lt", "id__lte"]), IDS),
    st.tuples(st.sampled_from(["id__in", "pk__in"]), st.lists(IDS, max_size=4)),
    st.tuples(st.just("status"), STATUSES),
    st.tuples(st.just("status__in"), st.lists(STATUSES, max_size=3)),
    st.tuples(st.just("is_done"), st.booleans()),
    st.tuples(
        st.sampled_from(["created__gt", "created__gte", "created__lt", "created__lte"]),
        IDS.map(lambda days: BEGINNING + timedelta(days=days)),
    ),
)
EXCLUDED = st.one_of(
    st.tuples(st.sampled_from(["id", "pk", "id__gt", "id__gte", "id__lt", "pk__lte"]), IDS),
    st.tuples(st.just("pk__in"), st.lists(IDS, max_size=4)),
    st.tuples(st.just("is_done"), st.booleans()),
)


def joined(catalog: Catalog, *conditions: Condition) -> tuple[Condition, ...]:
    """Add conditions one after the other."""
    where: tuple[Condition, ...] = ()
    for condition in conditions:
        where = catalog.add(where, condition)
    return where


def both(catalog: Catalog, *asked: tuple[str, Any]) -> list[str]:
    """Spell what several filters in a row come to."""
    return [str(each) for each in joined(catalog, *(catalog.condition(*one) for one in asked))]


def kept(where: tuple[Condition, ...]) -> list[Row]:
    """Return the rows that meet every condition."""
    return [row for row in ROWS if all(holds(condition, row) for condition in where)]


def words(catalog: Catalog, spelling: str, value: Any = 1) -> str:
    """Return the words in which a filter is refused."""
    with pytest.raises(QueryError) as caught:
        catalog.condition(spelling, value)
    return str(caught.value)


class Watched:
    """Looks like a query, and fails when it is run."""

    def iterator(self) -> Iterator[int]:
        """Stream the rows, which filtering must not."""
        raise AssertionError("a query was run while another was built")

    __iter__ = iterator


class TestNames:
    @pytest.mark.parametrize("spelling", ["id", "pk", "id__exact", "pk__exact"])
    def test_the_key_has_several_names(self, catalog: Catalog, spelling: str) -> None:
        """`pk` is the key whatever its name, and `__exact` says nothing."""
        assert Condition("id", Exact, 5) == catalog.condition(spelling, 5)

    @pytest.mark.parametrize("spelling", ["project", "project_id", "project_id__exact"])
    def test_a_relation_goes_by_its_key_as_well(self, catalog: Catalog, spelling: str) -> None:
        """`project_id=` is `project=`."""
        assert Condition("project", Exact, 5) == catalog.condition(spelling, 5)

    @pytest.mark.parametrize("spelling", ["parts__is_done", "parts__is_done__exact"])
    def test_a_lookup_may_have_underscores_in_its_name(self, catalog: Catalog, spelling: str) -> None:
        """What the wire spells with two underscores is one name."""
        assert Condition("parts__is_done", Exact, True) == catalog.condition(spelling, True)

    @pytest.mark.parametrize(
        ("spelling", "nearest"),
        [
            ("projct", "project"),
            ("Project", "project"),
            ("id__inn", "id__in"),
            ("created_gte", "created__gte"),
            ("statuss", "status"),
        ],
    )
    def test_a_typo_is_told_with_the_nearest_name(
        self, catalog: Catalog, spelling: str, nearest: str
    ) -> None:
        """The backend would ignore it, and answer with everything."""
        assert f"(did you mean {nearest!r}?). Lookups: id, id__in" in words(catalog, spelling)

    @pytest.mark.parametrize("spelling", ["", "__", "__in", "id__", "xyzzy", "created", "status__gt", "in"])
    def test_what_is_not_declared_is_refused(self, catalog: Catalog, spelling: str) -> None:
        """Odd spellings, and comparisons that this name does not have."""
        assert "Lookups: " in words(catalog, spelling)

    @pytest.mark.parametrize("spelling", ["project__id", "project__pk", "project_id__pk"])
    def test_the_key_of_a_relation_is_the_relation(self, catalog: Catalog, spelling: str) -> None:
        """As in Django, which needs no join for it either."""
        assert catalog.condition("project", 1) == catalog.condition(spelling, 1)

    @pytest.mark.parametrize("spelling", ["project__title", "project__id__id", "project__owner__name"])
    def test_relations_are_not_followed(self, catalog: Catalog, spelling: str) -> None:
        """Django would join; this wire cannot, and the message says so."""
        assert "relations are not followed in filters" in words(catalog, spelling)

    def test_not_in_is_reached_through_exclude_only(self, catalog: Catalog) -> None:
        """`id__not_in` is no name of Django's, and is not offered either."""
        assert "no lookup 'id__not_in'" in words(catalog, "id__not_in", [1])
        assert "id__not_in" not in catalog.spellings()

    def test_a_refused_value_names_the_filter(self, catalog: Catalog) -> None:
        """The words start with what was typed."""
        assert words(catalog, "pk__gte", "5").startswith("Work.filter(pk__gte=...) takes an integer")

    def test_every_spelling_that_is_offered_is_taken(self, catalog: Catalog) -> None:
        """What error messages list is what `filter()` knows."""
        assert [] == [each for each in catalog.spellings() if catalog._split(each)[0] not in catalog.lookups]

    def test_conditions_survive_pickling(self, catalog: Catalog) -> None:
        """A query travels to other processes."""
        condition = catalog.condition("created__gte", "2026-01-01T00:00:00Z")

        assert condition == pickle.loads(pickle.dumps(condition))


class TestLists:
    def test_takes_anything_that_can_be_walked(self, catalog: Catalog) -> None:
        """Generators, tuples and ranges; doubles are dropped and the order stays."""
        made = [catalog.condition("id__in", each).value for each in ((2, 1, 2), iter([2, 1]), range(1, 3))]

        assert [(2, 1), (2, 1), (1, 2)] == made

    @pytest.mark.parametrize("value", ["12", b"12", bytearray(b"12"), {1: 2}, 12, None])
    def test_refuses_what_is_no_list(self, catalog: Catalog, value: Any) -> None:
        """Text would be walked letter by letter, and a dict key by key."""
        assert "takes a list, got" in words(catalog, "id__in", value)

    @pytest.mark.parametrize("value", [[None], ["1"], [True], [[1]], [1, 0]])
    def test_checks_each_member(self, catalog: Catalog, value: list[Any]) -> None:
        """One wrong member spoils the list."""
        assert words(catalog, "id__in", value).startswith("Work.filter(id__in=...) takes a")

    @pytest.mark.parametrize("ask", ["condition", "negation"])
    def test_does_not_run_a_query_to_fill_a_list(self, catalog: Catalog, ask: str) -> None:
        """Building a query never touches the network; the message says to run it first."""
        with pytest.raises(QueryError, match=r"give list\(\.\.\.\) of its keys"):
            getattr(catalog, ask)("pk__in", Watched())

    def test_names_of_a_comma_list_have_no_comma(self, catalog: Catalog) -> None:
        """The wire would read one name as two."""
        assert "without a comma" in words(catalog, "classes__in", ["cat,dog"])


class TestExclude:
    @given(asked=EXCLUDED)
    def test_keeps_exactly_what_the_filter_would_drop(self, catalog: Catalog, asked: tuple[str, Any]) -> None:
        """A negation and its filter share no row, and together hold every row."""
        negative = kept(joined(catalog, catalog.negation(*asked)))
        positive = [] if asked[1] == [] else kept((catalog.condition(*asked),))

        assert [row for row in ROWS if row not in positive] == negative

    def test_spells_keys_as_the_wire_does(self, catalog: Catalog) -> None:
        """One key or many, it is one comparison."""
        assert Condition("id", NotIn, (5,)) == catalog.negation("pk", 5)
        assert Condition("id", NotIn, (5, 6)) == catalog.negation("pk__in", [5, 6, 5])

    def test_turns_bounds_of_the_key_around(self, catalog: Catalog) -> None:
        """No key is null, so NOT > is <=."""
        assert Condition("id", Lte, 5) == catalog.negation("id__gt", 5)

    @pytest.mark.parametrize(
        ("spelling", "value"),
        [
            ("project", 1),
            ("status", "completed"),
            ("status__in", ["completed"]),
            ("tags", 1),
            ("search", "a"),
        ],
    )
    def test_refuses_what_the_wire_cannot_say(self, catalog: Catalog, spelling: str, value: Any) -> None:
        """The message says what can be done instead."""
        with pytest.raises(QueryError, match="filter for what you want instead, or drop the rows"):
            catalog.negation(spelling, value)

    def test_refuses_bounds_of_what_may_be_null(self, catalog: Catalog) -> None:
        """A row without a date is neither before nor after."""
        with pytest.raises(QueryError, match=r"cannot exclude by Work\.created__gt"):
            catalog.negation("created__gt", "2026-01-01")

    def test_refuses_truths_about_many(self, catalog: Catalog) -> None:
        """A row may have both a part that is done and one that is not."""
        with pytest.raises(QueryError, match="cannot exclude by"):
            catalog.negation("parts__is_done", True)

    @pytest.mark.parametrize("spelling", ["idd", "id__not_in", "project__title"])
    def test_refuses_unknown_names_as_filter_does(self, catalog: Catalog, spelling: str) -> None:
        """A typo is a typo first."""
        with pytest.raises(QueryError, match="no lookup"):
            catalog.negation(spelling, 1)

    def test_a_refused_value_names_exclude(self, catalog: Catalog) -> None:
        """The words start with what was typed."""
        with pytest.raises(QueryError, match=r"^Work\.exclude\(pk=\.\.\.\) takes an integer"):
            catalog.negation("pk", None)


class TestAdd:
    @given(asked=st.lists(ASKED, max_size=6))
    def test_is_and(self, catalog: Catalog, asked: list[tuple[str, Any]]) -> None:
        """Filters in a row keep the rows that each of them keeps."""
        each = [catalog.condition(*one) for one in asked]
        try:
            found = kept(joined(catalog, *each))
        except Nothing:
            found = []

        assert kept(tuple(each)) == found

    @given(asked=st.lists(ASKED, max_size=6))
    def test_leaves_one_condition_for_each_key_of_the_wire(
        self, catalog: Catalog, asked: list[tuple[str, Any]]
    ) -> None:
        """Of a key that is repeated, the backend keeps one, or takes any."""
        try:
            where = joined(catalog, *(catalog.condition(*one) for one in asked))
        except Nothing:
            return
        keys = [(each.name, Exact if each.lookup is In else each.lookup) for each in where]

        assert len(set(keys)) == len(keys)

    @given(asked=st.lists(EXCLUDED, max_size=4))
    def test_is_and_for_exclusions_too(self, catalog: Catalog, asked: list[tuple[str, Any]]) -> None:
        """Exclusions in a row drop the rows that any of them drops."""
        each = [catalog.negation(*one) for one in asked]
        try:
            found = kept(joined(catalog, *each))
        except Nothing:
            found = []

        assert kept(tuple(each)) == found

    def test_an_empty_list_matches_nothing(self, catalog: Catalog) -> None:
        """The backend would read an empty value as no filter at all."""
        with pytest.raises(Nothing):
            joined(catalog, catalog.condition("id__in", []))

    def test_excluding_an_empty_list_excludes_nothing(self, catalog: Catalog) -> None:
        """NOT IN () is true of every row."""
        assert () == joined(catalog, catalog.negation("id__in", []))

    def test_a_value_and_a_list_come_to_the_value(self, catalog: Catalog) -> None:
        """Both would be sent under one key, where the backend takes either."""
        pairs = [("status", "completed"), ("status__in", ["completed", "skipped"])]

        assert ["status='completed'"] == both(catalog, *pairs) == both(catalog, *reversed(pairs))

    def test_a_value_outside_the_list_matches_nothing(self, catalog: Catalog) -> None:
        """No row is both."""
        with pytest.raises(Nothing):
            both(catalog, ("status", "completed"), ("status__in", ["skipped"]))

    def test_keeps_the_place_of_the_first(self, catalog: Catalog) -> None:
        """Joining changes the value of a condition, not their order."""
        asked = [("id__gt", 1), ("is_done", True), ("id__gt", 3)]

        assert ["id__gt=3", "is_done=True"] == both(catalog, *asked)

    @pytest.mark.parametrize(
        ("name", "first", "second"),
        [
            ("tags", ("tags", 1), ("tags", 2)),
            ("tags", ("tags", 1), ("tags__in", [1, 2])),
            ("tags", ("tags__in", [1, 2]), ("tags__in", [2])),
            ("parts__is_done", ("parts__is_done", True), ("parts__is_done", False)),
            ("search", ("search", "a"), ("search", "b")),
        ],
    )
    def test_two_questions_about_many_are_refused(
        self, catalog: Catalog, name: str, first: tuple[str, Any], second: tuple[str, Any]
    ) -> None:
        """A row may hold both, which one key of the wire cannot ask for."""
        with pytest.raises(QueryError, match=f"the backend takes '{name}' once"):
            both(catalog, first, second)

    def test_the_same_question_twice_is_one(self, catalog: Catalog) -> None:
        """Even about many, asking again changes nothing."""
        assert ["tags=1"] == both(catalog, ("tags", 1), ("tags", 1))

    def test_an_id_and_a_code_may_be_the_same(self, catalog: Catalog) -> None:
        """Taking them for two would answer with nothing, without asking."""
        with pytest.raises(QueryError, match="cannot tell whether 'digits' and 3 are the same"):
            both(catalog, ("plugin", "digits"), ("plugin", 3))

    def test_a_date_and_an_instant_are_not_compared(self, catalog: Catalog) -> None:
        """Where a day starts is the backend's to say."""
        with pytest.raises(QueryError, match="cannot tell which of"):
            both(
                catalog, ("created__gt", date(2026, 1, 1)), ("created__gt", datetime(2026, 1, 2, tzinfo=UTC))
            )

    def test_instants_of_two_zones_are_compared_as_instants(self, catalog: Catalog) -> None:
        """Midnight in Seoul comes before midnight in London."""
        seoul, london = "2026-01-01T00:00:00+09:00", "2026-01-01T00:00:00Z"
        (found,) = joined(catalog, *(catalog.condition("created__gt", each) for each in (london, seoul)))

        assert (Gt, BEGINNING) == (found.lookup, found.value)

    def test_long_lists_are_joined_quickly(self, catalog: Catalog) -> None:
        """The work grows with the length of the lists, not with its square."""
        first, second = range(1, 40_001), range(20_001, 60_001)
        (found,) = joined(catalog, *(catalog.condition("id__in", each) for each in (first, second)))

        assert tuple(range(20_001, 40_001)) == found.value


class TestOrder:
    @pytest.mark.parametrize(
        ("given_names", "checked"),
        [(("pk",), ("id",)), (("-pk",), ("-id",)), (("-created", "id"), ("-created", "id")), ((), ())],
    )
    def test_takes_the_orders_that_the_backend_honours(
        self, catalog: Catalog, given_names: tuple[str, ...], checked: tuple[str, ...]
    ) -> None:
        """`pk` is the key here as well; no name at all clears the order."""
        assert checked == catalog.order(given_names)

    @pytest.mark.parametrize("name", ["creatd", "--id", "+id", "", "-", "?", "project", "id__gt", "-PK"])
    def test_refuses_what_the_backend_would_ignore(self, catalog: Catalog, name: str) -> None:
        """It would answer in whatever order it likes."""
        with pytest.raises(QueryError, match=r"Orders: id, created; sorted\(rows, key=\.\.\.\) orders here"):
            catalog.order((name,))

    @pytest.mark.parametrize("name", [None, 5, ["id"], b"id"])
    def test_refuses_what_is_no_name(self, catalog: Catalog, name: Any) -> None:
        """A list of names is given with a star."""
        with pytest.raises(QueryError, match=r"order_by\(\) takes names"):
            catalog.order((name,))

    def test_says_so_where_there_is_no_order(self) -> None:
        """An entity may have none."""
        bare = Catalog("Bare", "id", lookups={}, kinds={}, aliases={}, order_by=())

        with pytest.raises(QueryError, match="Orders: none"):
            bare.order(("id",))


def test_accepts_tells_what_can_be_asked() -> None:
    """Layers above choose their way by it."""
    assert [True, False, False] == [
        Task._catalog.accepts("id", In),
        Task._catalog.accepts("project", In),
        Task._catalog.accepts("nothing", Exact),
    ]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_lookup_is_known_by_its_own_name(name: str) -> None:
    """The suffix in `filter()` is the lookup's name."""
    assert name == BY_NAME[name].name


SAID = {
    "created__year": "created__gte='2026-01-01', created__lt='2027-01-01' is that year",
    "created__year__gte": "bound it by its ends, such as created__gte=",
    "created__date": "bound it by its ends, such as created__gte=",
    "created__range": "created__gte=low, created__lte=high is the same",
    "meta__label": "[row for row in query if row.meta['label'] == ...] chooses here",
    "data__isnull": "the backend cannot be asked for null; [row for row in query if row.data is None]",
    "project__title": "relations are not followed in filters; find the Project first, then project=<its key>",
    "tags__name": "find the TaskTag first, then tags=<its key>, or tags__in=[...]",
    "project__in": "the backend takes one project at a time; run a query for each",
    "project__pk__in": "the backend takes one project at a time",
    "data_unit": "[row for row in query if row.data_unit == ...] chooses here",
    "data_unit__meta": "relations are not followed in filters, and data_unit is no lookup",
    "count_assignments__gt": "row.count_assignments > ...",
    "id__ne": "exclude(id=...) leaves rows out",
    "schema__ne": "row.schema != ...",
    "name__icontains": "search='...' searches texts",
    "creatd": "(did you mean 'created__lt'?)",
}


@pytest.mark.parametrize(("spelling", "said"), SAID.items(), ids=SAID)
def test_a_lookup_that_is_not_there_leads_on(spelling: str, said: str) -> None:
    """It says what to type, in the words of this query."""
    with pytest.raises(QueryError) as caught:
        Task.objects.filter(**{spelling: 2026})

    assert said in str(caught.value)


def test_an_entity_without_search_is_searched_here() -> None:
    """And no field is named that the entity does not have."""
    with pytest.raises(
        QueryError, match=r"'title__icontains': \[row for row in query if ... in row.title.lower\(\)\]"
    ):
        Project.objects.filter(title__icontains="x")
    with pytest.raises(QueryError, match=r"'nope__icontains'. Lookups"):
        Project.objects.filter(nope__icontains="x")


@pytest.mark.parametrize("cls", [Task, TaskTag, Assignment])
@pytest.mark.parametrize("suffix", ["id", "pk"])
def test_the_key_of_a_related_object_is_asked_for(cls: Any, suffix: str) -> None:
    """By either name, in `filter()` and where there is one in `exclude()`."""
    assert cls.objects.filter(project=1).query == cls.objects.filter(**{f"project__{suffix}": 1}).query


def test_several_keys_of_related_objects_are_asked_for() -> None:
    """Where the wire takes several."""
    assert Task.objects.filter(tags__in=[1, 2]).query == Task.objects.filter(tags__id__in=[1, 2]).query
