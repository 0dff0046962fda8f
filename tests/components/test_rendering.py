"""Each component renders with plain values and with vars, and asks only for pinned packages and our own modules."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reflex as rx

from components import (
    bars,
    confusion_matrix,
    edge_map,
    feedback,
    figure,
    gallery,
    label_editor,
    live_chart,
    live_mark,
    live_topic,
    loop_diagram,
    meter,
    shell,
    sign_approval,
    stat,
    switch,
    table,
    theme,
)

FOLDER = Path(shell.__file__).parent
ROWS = rx.Var("rows").to(list[dict[str, Any]])
TEXT = rx.Var("text").to(str)
FLAG = rx.Var("flag").to(bool)
NUMBER = rx.Var("number").to(int)
EMPTY = feedback.empty_state("images", "No datasets yet", "Make one.")


def event(*_: Any) -> Any:
    return rx.console_log("happened")


COLUMNS = [
    table.Column("Job", lambda row: table.two_lines(row["name"], row["module"]), phone="title"),
    table.Column("Created", lambda row: stat.relative_time(row["created"].to(str)), align="right", width="130px"),
]
PIECES: dict[str, Callable[[], rx.Component]] = {
    "page_frame": lambda: shell.page_frame(
        TEXT, EMPTY, active="jobs", user_name=TEXT, user_role="Super Admin", on_sign_out=event(), subtitle=TEXT,
        breadcrumb=[("Jobs", "/jobs")], actions=rx.button("New"), notices=feedback.notice_area(TEXT, TEXT),
    ),
    "centered_page": lambda: shell.centered_page(rx.button("Sign in"), title="Sign in"),
    "connection_lost": shell.connection_lost,
    "section": lambda: shell.section("Curves", shell.columns(shell.stack(EMPTY), EMPTY), note=TEXT, flush=True),
    "facts": lambda: shell.facts(("Dataset", TEXT), ("Bundle", stat.digest(TEXT))),
    "table": lambda: table.data_table(
        ROWS, COLUMNS, label="Jobs", empty=EMPTY, loading=FLAG, row_href=lambda row: "/jobs/" + row["id"].to(str),
        row_id=lambda row: row["id"], row_selected=lambda row: row["id"] == TEXT, max_height="60vh",
        pager=table.Pager(FLAG, True, event(), event(), TEXT),
    ),
    "error_callout": lambda: feedback.error_callout(TEXT, title="No", on_close=event()),
    "error_callout with text": lambda: feedback.error_callout("It did not work."),
    "callout": lambda: feedback.callout("Look", tone="warning", title="Careful"),
    "loading_panel": feedback.loading_panel,
    "confirm_dialog": lambda: feedback.confirm_dialog(
        rx.button("Release"), title=TEXT, consequences=["One.", TEXT], confirm_label="Release", on_confirm=event()
    ),
    "confirm_dialog without trigger": lambda: feedback.confirm_dialog(
        None, title="Delete?", consequences=["It is gone."], confirm_label="Delete", on_confirm=event(), danger=True,
        open=FLAG, on_open_change=event,
    ),
    "metric_tile": lambda: stat.tile_row(
        stat.metric_tile("Accuracy", TEXT, hint=TEXT, icon="target", tone="good", href="/models"),
        stat.metric_tile("Jobs", 3),
    ),
    "progress_bar": lambda: stat.progress_bar(NUMBER, label=TEXT, eta=TEXT, note=TEXT, tone=TEXT),
    "progress_bar compact": lambda: stat.progress_bar(42, label="Progress", compact=True),
    "as_of": lambda: stat.as_of(TEXT, word=TEXT, stale_after=NUMBER),
    "live_mark": lambda: live_mark.live_mark("jobs"),
    "switch": lambda: switch.switch("Show", [("all", "All"), ("jobs", "Jobs")]),
    "verdict_badge": lambda: theme.verdict_badge(TEXT),
    "time_left": lambda: stat.time_left(TEXT),
    "live_chart": lambda: live_chart.live_chart(
        topic="job:" + TEXT, snapshot_url="/api/v1/training/jobs/" + TEXT + "/metrics", names=["train_loss"],
        title="Loss", finished=FLAG,
    ),
    "live_topic": lambda: live_topic.live_topic(["job:" + TEXT], on_message=event, on_reconnect=event()),
    "edge_map": lambda: edge_map.edge_map(ROWS, selected=TEXT, on_select=event),
    "sign_approval": lambda: sign_approval.sign_approval(
        payload_base64=TEXT, summary=TEXT, target=TEXT, on_signed=event, on_cancel=event(), disabled=FLAG
    ),
    "confusion_matrix": lambda: confusion_matrix.confusion_matrix(["0", "1"], [[3, 0], [1, 2]]),
    "bars": lambda: bars.bar_list(ROWS, label="Balance"),
    "meter": lambda: meter.meter_list(ROWS, label="Limits"),
    "figure": lambda: figure.figure({"data": [], "layout": {}}, label="Accuracy"),
    "loop_diagram": lambda: loop_diagram.loop_diagram(
        {"dataset": 2, "approval": TEXT}, attention={"approval": FLAG}, moving=FLAG
    ),
    "sample_gallery": lambda: gallery.sample_gallery(
        url=TEXT, query=TEXT, topic=TEXT, revision=0, colours={}, picked=[], pickable=FLAG, on_pick=event,
        on_open=event, empty=EMPTY,
    ),
    "label_editor": lambda: label_editor.label_editor(
        dataset_id=TEXT, person=TEXT, task=TEXT, classes=ROWS, can_write=FLAG
    ),
    "linked bars": lambda: bars.bar_list(ROWS, label="Balance", linked=True),
}  # fmt: skip


@pytest.mark.parametrize("name", PIECES)
def test_it_renders(name: str) -> None:
    assert PIECES[name]().render()


@pytest.mark.parametrize("name", PIECES)
def test_it_asks_only_for_pinned_packages_and_modules_that_exist(name: str) -> None:
    piece = PIECES[name]()
    ours = [path for path in piece._get_all_imports() if path.startswith("$/public/external/components")]
    for path in ours:
        assert (FOLDER / path.rsplit("/", 1)[1]).is_file()
    for package in getattr(piece, "lib_dependencies", []):
        assert re.fullmatch(r"(@[\w-]+/)?[\w.-]+@\d+\.\d+\.\d+", package)


def test_the_loop_refuses_a_station_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="no station depot"):
        loop_diagram.loop_diagram({"depot": 1})


def test_every_relative_import_of_a_browser_module_is_handed_over() -> None:
    linked = {path.name for path in [*FOLDER.glob("*.js"), *FOLDER.glob("*.jsx")]}
    source = (FOLDER / "browser.py").read_text()
    for module in [*FOLDER.glob("*.js"), *FOLDER.glob("*.jsx")]:
        for wanted in re.findall(r'from "\./([\w.]+)"', module.read_text()):
            assert wanted in linked
            assert f'"{wanted}"' in source


def test_no_component_names_an_outside_address() -> None:
    for module in [*FOLDER.glob("*.js"), *FOLDER.glob("*.jsx"), *FOLDER.glob("*.py")]:
        addresses = re.findall(r"https?://(?!localhost|www\.w3\.org)[\w.]+", module.read_text())
        assert not addresses, f"{module.name} names {addresses}"
