"""What a migration takes from whoever knew the schema before, by the catalogue alone."""

from contextlib import nullcontext

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.migration_files import MigrationFile
from pam_rollback.redeploy.gate.migrations import Column, Picture, TrialFinding
from pam_rollback.redeploy.gate.stable_release import OWNER, Contraction, Ran, Sender, Statement, still_works

TEXT = Column("text", not_null=False, filled=False)


def picture(objects: dict[str, str], **columns: Column) -> Picture:
    """A table ``public.a`` with these objects and columns."""
    return Picture(
        {"relation public.a": "r f f", **objects}, {}, {f"public.a.{name}": one for name, one in columns.items()}
    )


def taken(before: Picture, after: Picture, *, roles_tried: bool = True) -> list[str]:
    """The sentences."""
    return [words for words, _ in Contraction(before, after, roles_tried=roles_tried).found()]


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("integer", "text", False),
        ("real", "double precision", True),
        ("character varying(9)", "text", True),
        ("character varying(9)", "character varying(12)", True),
        ("character varying(9)", "character varying(8)", False),
        ("text", "character varying(9)", False),
        ("text", "character varying", True),
        ("numeric(10,2)", "numeric(12,2)", True),
        ("numeric(10,2)", "numeric(12,3)", False),
        ("json", "jsonb", False),
    ],
)
def test_a_type_holds_what_the_old_one_held(old: str, new: str, fits: bool) -> None:  # noqa: FBT001 - a table's column
    """And is read the same."""
    before, after = (picture({}, x=Column(one, not_null=False, filled=False)) for one in (old, new))

    assert (taken(before, after) == []) is fits


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (TEXT, Column("text", not_null=True, filled=False), "is NOT NULL and has no default"),
        (TEXT, Column("text", not_null=True, filled=True), "is NOT NULL and took NULL before"),
        (Column("text", not_null=True, filled=True), Column("text", not_null=True, filled=False), "has no default"),
        (TEXT, Column("text", not_null=False, filled=True, refuses=True), "takes no value any more"),
        (None, Column("text", not_null=True, filled=False), "is new, NOT NULL and without a default"),
        (Column("text", not_null=True, filled=False), TEXT, ""),
        (None, Column("text", not_null=True, filled=True), ""),
        (None, TEXT, ""),
    ],
)
def test_a_column_asks_for_no_more(old: Column | None, new: Column, words: str) -> None:
    """An older release leaves out what it does not know, and what it never had to give."""
    found = taken(picture({}, **({"x": old} if old else {})), picture({}, x=new))

    assert bool(found) == bool(words)
    assert words in "".join(found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"type public.mood": "e good,bad"}, {"type public.mood": "e good,bad,so"}, ""),
        ({"type public.mood": "e good,bad"}, {"type public.mood": "e good"}, "has lost bad"),
        ({"function f(int)": " RETURNS int\n $$1$$ "}, {"function f(int)": " RETURNS int\n $$2$$ "}, ""),
        ({"function f(int)": " RETURNS int\n $$1$$ "}, {"function f(int)": " RETURNS text\n $$1$$ "}, "gave int"),
        ({"function f(int)": " RETURNS int\n $$1$$ "}, {"function f(int)": " RETURNS int\n $$1$$ o=X/o"}, "lost its"),
        ({"function f(int)": " RETURNS int\n $$1$$ "}, {"function f(int)": " RETURNS int\n $$1$$ =X/o o=X/o"}, ""),
        ({"constraint public.a.c": "CHECK (x) true"}, {}, ""),
        ({"constraint public.a.c": "UNIQUE (x) true"}, {}, "is gone"),
        ({"constraint public.a.c": "UNIQUE (x) true"}, {"constraint public.a.d": "UNIQUE (x) true"}, ""),
        ({}, {"constraint public.a.c": "UNIQUE (x) true"}, "binds what was there"),
        ({}, {"constraint public.a.c": "UNIQUE (y) true"}, ""),
        ({}, {"constraint public.b.c": "UNIQUE (x) true"}, ""),
        ({}, {"constraint public.a.n": "NOT NULL x true"}, ""),
        ({}, {"index public.a.i": "CREATE INDEX i ON public.a USING btree (x) true"}, ""),
        ({"index public.a.i": "CREATE INDEX i ON public.a USING btree (x) true"}, {}, ""),
        (
            {"constraint public.a.c": "CHECK ((x <> ALL (ARRAY['a'::text]))) true"},
            {"constraint public.a.c": "CHECK ((x <> ALL (ARRAY['a'::text, 'b'::text]))) true"},
            "and is CHECK",
        ),
    ],
)
def test_what_is_gone_or_stricter_is_told(old: dict[str, str], new: dict[str, str], words: str) -> None:
    """And nothing else is."""
    found = taken(picture(old, x=TEXT), picture(new, x=TEXT, y=TEXT))

    assert bool(found) == bool(words), found
    assert words in "".join(found)


def test_policies_are_judged_by_statements_where_roles_can_be_tried() -> None:
    """Elsewhere a changed one is a finding: nobody knows what it takes."""
    before, after = picture({"policy public.a.own": "x"}), picture({"policy public.a.own": "y"})

    assert taken(before, after) == []
    assert Contraction(before, after, roles_tried=True).loosened() == ("policy public.a.own is changed",)
    assert "none of the API's roles" in "".join(taken(before, after, roles_tried=False))
    assert taken(before, picture({})) == []
    assert taken(before, picture({}), roles_tried=False) == ["policy public.a.own is gone"]


READ = Statement(Sender(OWNER), "public.a", "SELECT x FROM public.a", "…")
AS_USER = Statement(Sender("authenticated", "authenticated"), "public.a", "SELECT x FROM public.a", "…")


def test_a_statement_that_did_something_has_to_do_it_still() -> None:
    """As often; one that was refused before says nothing."""
    one = MigrationFile("1", "b", "REVOKE SELECT ON a FROM authenticated", None)
    same = picture({})

    def judged(then: Ran, now: Ran) -> TrialFinding:
        return still_works([one], same, same, {READ: Ran(2), AS_USER: then}, {READ: Ran(2), AS_USER: now})

    assert not judged(Ran(2), Ran(3)).number
    assert not judged(Ran(problem="no"), Ran(problem="no")).number
    assert str(judged(Ran(2), Ran(1))).endswith(
        "SELECT x FROM public.a, as authenticated: met 2 rows and meets 1 [1_b: REVOKE SELECT ON a FROM authenticated]"
    )
    assert "permission denied" in str(judged(Ran(2), Ran(problem="permission denied")))
    with pytest.raises(MeasurementFailed, match="no statement works on the copy"):
        still_works([one], same, same, {READ: Ran(problem="x")}, {}).number  # noqa: B018 - it raises


@pytest.mark.parametrize(
    ("old", "definition", "meets"),
    [
        ("", "CREATE TRIGGER t AFTER INSERT OR UPDATE ON public.a FOR EACH ROW EXECUTE FUNCTION f() O", True),
        ("", "CREATE TRIGGER t BEFORE UPDATE OF insert ON public.a FOR EACH ROW EXECUTE FUNCTION f() O", False),
        ("CREATE TRIGGER t BEFORE UPDATE ON public.a O", "CREATE TRIGGER t BEFORE INSERT ON public.a O", True),
        ("CREATE TRIGGER t BEFORE INSERT ON public.a O", "CREATE TRIGGER t BEFORE INSERT ON public.a O", False),
    ],
)
def test_a_new_trigger_that_no_new_row_met_is_not_known(old: str, definition: str, *, meets: bool) -> None:
    """A row that went in has met it; the insert of rows that are there stops before triggers that look afterwards."""
    before = picture({"trigger public.a.t": old} if old else {})
    after = picture({"trigger public.a.t": definition})
    again = Statement(Sender(OWNER), "public.a", "INSERT", "…")
    new = Statement(Sender(OWNER), "public.a", "INSERT", "…", counted="…")

    def judged(then: Ran) -> TrialFinding:
        return still_works([], before, after, {again: Ran(0), new: then}, {again: Ran(0), new: then})

    assert not judged(Ran(1)).number
    for then, why in ((Ran(0), "the copy has no row of it"), (Ran(problem="duplicate key"), "duplicate key")):
        with pytest.raises(MeasurementFailed, match=f"trigger public.a.t is new, .* {why}") if meets else nullcontext():
            assert not judged(then).number
