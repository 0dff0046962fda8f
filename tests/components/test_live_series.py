"""The points behind a live chart: no point twice, bounded memory, gaps where the loss was not a number."""

from typing import Any

from tests.components.browser_modules import run_js

MAKE = "const { LiveSeries, smooth, colourIndices, wordFor } = await load('live_series.js');"


def _js(body: str, given: Any = None) -> Any:
    return run_js(MAKE + body, given=given)


def test_a_snapshot_that_overlaps_the_stream_adds_nothing_twice() -> None:
    held = _js("""
        const series = new LiveSeries(["loss"]);
        series.add("loss", 1, 0.9); series.add("loss", 2, 0.8);
        series.addSnapshot({ series: { loss: { step: [0, 1, 2, 3], value: [1, 0.9, 0.8, 0.7] } } });
        series.add("loss", 3, 0.7); series.add("loss", 4, 0.6);
        return series.series.loss;
    """)
    assert held == {"step": [1, 2, 3, 4], "value": [0.9, 0.8, 0.7, 0.6]}


def test_points_streamed_while_a_snapshot_is_read_do_not_hide_older_ones() -> None:
    assert _js("""
        const series = new LiveSeries(["loss"]);
        const body = (...step) => ({ series: { loss: { step, value: step } } });
        const point = (step) => [{ name: "loss", step, value: step }];
        let first, second;
        const reads = [
            series.awaitSnapshot(new Promise((done) => { first = done; })),
            series.awaitSnapshot(new Promise((done) => { second = done; })),
        ];
        series.stream(point(4)); first(body(1)); await reads[0];
        series.stream(point(5)); second(body(1, 2, 3)); await reads[1];
        series.stream(point(6));
        return series.series.loss.step;
    """) == [1, 2, 3, 4, 5, 6]


def test_a_snapshot_that_fails_releases_what_waited_for_it() -> None:
    assert _js("""
        const series = new LiveSeries(["loss"]);
        const read = series.awaitSnapshot(Promise.reject(new Error("503")));
        series.stream([{ name: "loss", step: 4, value: 0.4 }]);
        const said = await read.then(() => "nothing", (error) => error.message);
        return [said, series.series.loss.step];
    """) == ["503", [4]]


def test_a_point_of_an_unknown_curve_or_without_a_step_is_ignored() -> None:
    assert (
        _js("""
        const series = new LiveSeries(["loss"]);
        series.add("speed", 1, 5); series.add("loss", null, 5); series.add("loss", undefined, 5);
        return series.latest();
    """)
        == {}
    )


def test_a_value_that_is_no_number_is_a_gap() -> None:
    assert _js(
        "const s = new LiveSeries(['loss']); s.add('loss', 1, NaN); s.add('loss', 2, 1); return s.series.loss.value;"
    ) == [None, 1]


def test_a_long_series_is_thinned_and_keeps_its_ends() -> None:
    held = _js("""
        const series = new LiveSeries(["loss"]);
        for (let step = 0; step < 23456; step += 1) series.add("loss", step, step);
        const { step } = series.series.loss;
        const ordered = step.every((s, i) => i === 0 || s > step[i - 1]);
        return { count: step.length, first: step[0], last: step.at(-1), ordered };
    """)
    assert 2500 <= held["count"] <= 5000
    assert held["ordered"]
    assert (held["first"], held["last"]) == (0, 23455)


def test_only_what_is_new_is_taken_and_thinning_asks_for_a_redraw() -> None:
    taken = _js("""
        const series = new LiveSeries(["loss"]);
        series.add("loss", 1, 1); const first = series.take();
        series.add("loss", 2, 2); const second = series.take(); const third = series.take();
        for (let step = 3; step < 6000; step += 1) series.add("loss", step, step);
        return [first.rebuilt, second, third, series.take().rebuilt];
    """)
    assert taken == [
        True,
        {"fresh": {"loss": {"x": [2], "y": [2]}}, "rebuilt": False},
        {"fresh": {}, "rebuilt": False},
        True,
    ]


def test_smoothing_leaves_a_constant_and_a_gap_as_they_are() -> None:
    smoothed = _js("return smooth([2, 2, null, 2, 2]);")
    assert smoothed[2] is None
    assert all(abs(value - 2) < 1e-9 for value in smoothed if value is not None)


def test_training_and_validation_keep_their_colours_in_any_order() -> None:
    assert _js(
        "return [['val_loss', 'train_loss'], ['learning_rate'], ['lr', 'val_loss', 'val_accuracy']].map(colourIndices);"
    ) == [[1, 0], [0], [0, 1, 2]]


def test_names_are_told_in_words() -> None:
    assert _js("return ['val_loss', 'train_loss', 'learning_rate'].map(wordFor);") == [
        "Validation loss",
        "Training loss",
        "Learning rate",
    ]
