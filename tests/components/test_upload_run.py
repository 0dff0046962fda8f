"""An upload against a server and a store that are played: progress, pauses, lost connections, addresses that expire."""

# ruff: noqa: E501 the played server is JavaScript, read line by line

from typing import Any

from tests.components.browser_modules import run_js

SETTING = """
    const { UploadRun } = await load("upload_run.js");
    const { entriesOf } = await load("upload_plan.js");
    const { mark } = await load("upload_memory.js");
    const { Failure } = await load("upload_network.js");
    // Time is played: what waits is rung by the test, and how long it would have waited is noted.
    const due = []; const waits = [];
    globalThis.setTimeout = (call, delay) => { waits.push(delay); due.push(call); return due.length; };
    globalThis.clearTimeout = (id) => { if (id) due[id - 1] = null; };
    const until = async (holds) => { while (!holds()) await new Promise(setImmediate); };
    const ring = async () => { await until(() => due.some(Boolean)); for (const call of due.splice(0)) call?.(); };
    // Large enough to be put alone; what is put together is in test_upload_packs.
    const file = (path, size = 70000, lastModified = 1) => ({ path, file: new File([new Uint8Array(size).fill(path.length)], path, { lastModified }) });
    const remembered = new Map();
    const memory = { known: async (marks) => new Map(marks.filter((one) => remembered.has(one)).map((one) => [one, remembered.get(one)])),
        remember: async (pairs) => pairs.forEach(([key, value]) => remembered.set(key, value)), forget: async () => remembered.clear() };
    const puts = []; const posts = []; const troubles = []; const problems = [];
    let slots = 0, onPut = async () => "etag", onPost = null;
    const answers = {
        uploads: ({ count, size }) => ({ slots: Array.from({ length: count }, () => { const key = `k${(slots += 1)}`;
            return { upload_key: key, url: `put/${key}`, multipart_id: size ? "m" : null, parts: size ? [0, 1, 2].map((at) => ({ number: at + 1, first: at * 10, size: 10, url: `part/${key}/${at + 1}` })) : [] }; }) }),
        "uploads/complete": () => ({}), videos: () => ({}),
        samples: () => ({ skipped: [] }),
    };
    const network = {
        put: async (url, blob, { signal, onSent }) => { puts.push([url, blob.size]); const answer = await onPut(url, { blob, signal, onSent }); onSent(blob.size); return answer; },
        post: async (path, body, { key } = {}) => { const what = path.split("/d1/")[1]; posts.push([what, body, key]); return (await onPost?.(what, body)) ?? answers[what](body); },
    };
    const made = () => { const run = new UploadRun({ dataset: "d1", memory, network, onChange: () => { if (run.trouble !== troubles.at(-1)) troubles.push(run.trouble); } }); return run; };
    const states = (run) => run.entries.map((entry) => entry.state);
    const away = () => { throw new Failure("away", { again: true }); };
    const registered = () => posts.filter(([what]) => what === "samples").map(([, body]) => body.samples.map((one) => one.upload_key));
    const untilStopped = ({ signal }) => new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))));
"""


def _js(body: str) -> Any:
    return run_js(SETTING + body)


def test_every_file_is_put_once_then_registered_with_its_digest_and_path() -> None:
    found = _js("""
        const run = made(); await run.add(entriesOf([file("b/two.jpg"), file("b/one.jpg")])); await run.start();
        const [{ upload_key, sha256, metadata }] = posts.at(-1)[1].samples;
        puts.sort(); // two are on their way at a time, in the order in which their digests are known
        return [run.state, states(run), puts, upload_key, sha256.length, metadata, registered(), remembered.size];
    """)
    assert found == [
        "finished",
        ["done", "done"],
        [["put/k1", 70000], ["put/k2", 70000]],
        "k1",
        64,
        {"file_name": "b/one.jpg"},
        [["k1", "k2"]],
        0,
    ]


def test_progress_is_told_of_each_file_and_of_all_and_never_exceeds_them() -> None:
    assert _js("""
        const seen = [];
        onPut = async (url, { onSent }) => { for (const sent of [4, 99999]) { onSent(sent); seen.push([run.entries[0].sent, run.totals().sent, run.totals().bytes]); } };
        const run = made(); await run.add(entriesOf([file("a.jpg"), file("b.txt", 7)])); await run.start();
        const { sent, bytes, settled, all } = run.totals();
        return [seen, sent, bytes, settled, all];
    """) == [[[4, 4, 70000], [70000, 70000, 70000]], 70000, 70000, 2, 2]


def test_lost_connection_is_told_and_waited_for_longer_each_time_and_then_the_upload_goes_on() -> None:
    found = _js("""
        let failures = 3; onPut = async () => (failures-- > 0 ? away() : "etag");
        const run = made(); await run.add(entriesOf([file("a.jpg")]));
        const end = run.start(); await until(() => run.trouble);
        const told = run.trouble; await ring(); await ring(); await ring(); await end;
        return [told, waits.map((ms) => [500, 1000, 2000].findIndex((most) => ms >= most / 2 && ms <= most)), run.state, states(run), puts.length, run.trouble, troubles];
    """)
    assert found == ["away", [0, 1, 2], "finished", ["done"], 4, "", ["", "away", ""]]


def test_lost_answer_to_a_registration_is_asked_for_again_with_the_same_key() -> None:
    found = _js("""
        let lost = true; onPost = (what) => { if (what === "samples" && lost) { lost = false; away(); } };
        const run = made(); await run.add(entriesOf([file("a.jpg")]));
        const end = run.start(); await ring(); await end;
        const keys = posts.filter(([what]) => what === "samples").map(([, , key]) => key);
        return [keys.length, new Set(keys).size, Boolean(keys[0]), states(run), puts.length];
    """)
    assert found == [2, 1, True, ["done"], 1]


def test_server_says_how_long_to_wait() -> None:
    assert _js("""
        let busy = true; onPost = (what) => { if (what === "uploads" && busy) { busy = false; throw new Failure("busy", { again: true, wait: 40000 }); } };
        const run = made(); await run.add(entriesOf([file("a.jpg")]));
        const end = run.start(); await ring(); const asked = waits[0]; await end;
        return [asked, run.state];
    """) == [40000, "finished"]


def test_expired_address_is_replaced_by_a_new_one_for_that_file_only() -> None:
    assert _js("""
        onPut = async (url) => { if (url === "put/k1") throw new Failure("old", { expired: true, status: 403 }); return "etag"; };
        const run = made(); await run.add(entriesOf([file("a.jpg"), file("b.jpg")]));
        const end = run.start(); await ring(); await end;
        return [posts.filter(([what]) => what === "uploads").map(([, body]) => body.count), registered(), states(run)];
    """) == [[2, 1], [["k3", "k2"]], ["done", "done"]]


def test_pause_stops_what_is_on_its_way_and_what_has_arrived_is_not_put_again() -> None:
    found = _js("""
        onPut = async (url, how) => (url === "put/k2" ? untilStopped(how) : "etag");
        const run = made(); await run.add(entriesOf([file("a.jpg"), file("b.jpg")]));
        const end = run.start(); await until(() => puts.length === 2 && run.entries[0].place); run.pause(); const pausing = run.state; await end;
        const paused = [run.state, states(run), run.totals().sent, registered()];
        onPut = async () => "etag"; await run.start();
        return [pausing, ...paused, run.state, puts.map(([url]) => url).sort(), registered(), states(run)];
    """)
    assert found == [
        "pausing",
        "paused",
        ["waiting", "waiting"],
        70000,
        [],
        "finished",
        ["put/k1", "put/k2", "put/k3"],
        [["k1", "k3"]],
        ["done", "done"],
    ]


def test_pause_while_waiting_for_the_connection_ends_the_waiting() -> None:
    assert _js("""
        onPut = away;
        const run = made(); await run.add(entriesOf([file("a.jpg")]));
        const end = run.start(); await until(() => due.length); run.pause(); await end;
        return [run.state, run.trouble, run.problem, states(run)];
    """) == ["paused", "", "", ["waiting"]]


def test_what_an_upload_before_the_reload_brought_in_is_not_sent_again() -> None:
    found = _js("""
        onPost = (what, body) => (what === "samples" && body.samples.length === 2 ? { skipped: [{ upload_key: "k2", code: "unreadable", message: "is cut off." }] } : null);
        const files = [file("a.jpg"), file("b.jpg")];
        const first = made(); first.finish = async () => { throw new Error("the tab is closed"); };
        await first.add(entriesOf(files)); await first.start();
        const again = made(); await again.add(entriesOf([...files, file("c.jpg"), file("a.jpg", 10, 2)])); const before = states(again);
        await again.start();
        return [states(first), before, states(again), again.entries.map((entry) => entry.message).filter(Boolean), puts.length, remembered.size];
    """)
    assert found == [
        ["done", "refused"],
        ["there", "waiting", "refused", "waiting"],
        ["there", "done", "refused", "done"],
        ["Went in before the upload was interrupted.", "Is cut off."],
        4,
        0,
    ]


def test_what_only_a_person_can_help_with_stops_the_upload_with_the_reason_and_start_goes_on() -> None:
    assert _js("""
        onPost = (what) => { if (what === "uploads") throw new Failure("The plan is full.", { status: 403 }); };
        const run = made(); await run.add(entriesOf([file("a.jpg")])); await run.start();
        const stopped = [run.state, run.problem, states(run)];
        onPost = null; await run.start();
        return [...stopped, run.state, run.problem];
    """) == ["stopped", "The plan is full.", ["waiting"], "finished", ""]


def test_what_the_server_says_of_each_file_stands_at_it() -> None:
    assert _js("""
        answers.samples = () => ({ skipped: [{ upload_key: "k1", code: "duplicate", message: "x" }, { upload_key: "k2", code: "too-many-pixels", message: "has too many pixels." }] });
        const run = made(); await run.add(entriesOf([file("a.jpg"), file("b.jpg"), file("c.jpg")])); await run.start();
        return run.entries.map(({ state, code, message }) => [state, code, message]);
    """) == [
        ["there", "duplicate", "The same content is in the dataset already."],
        ["refused", "too-many-pixels", "Has too many pixels."],
        ["done", "", ""],
    ]


def test_file_that_the_browser_cannot_read_any_more_is_refused_and_the_rest_goes_on() -> None:
    assert _js("""
        const gone = file("a.jpg"); gone.file.arrayBuffer = () => Promise.reject(new Error("gone"));
        const run = made(); await run.add(entriesOf([gone, file("b.jpg")])); await run.start();
        return [run.state, states(run), run.entries[0].code, registered()];
    """) == ["finished", ["refused", "done"], "unreadable", [["k2"]]]


def test_next_batch_is_put_while_the_one_before_is_registered() -> None:
    assert _js("""
        let answer; onPost = (what) => (what === "samples" && !answer ? new Promise((resolve) => (answer = () => resolve({ skipped: [] }))) : null);
        const run = made(); await run.add(entriesOf(Array.from({ length: 201 }, (_, at) => file(`${1000 + at}.jpg`))));
        const end = run.start(); await until(() => answer && puts.length === 201);
        const meanwhile = [puts.length, run.entries[0].state]; answer(); await end;
        return [...meanwhile, run.state, registered().map((one) => one.length)];
    """) == [201, "checking", "finished", [200, 1]]


def test_large_video_goes_on_after_a_pause_with_the_parts_that_are_missing() -> None:
    found = _js("""
        onPut = async (url, how) => (url.endsWith("/2") ? untilStopped(how) : `etag of ${url}`);
        const run = made(); await run.add(entriesOf([file("a.mp4", 30)]));
        const end = run.start(); await until(() => run.entries[0].sent === 20); const sent = run.entries[0].sent; run.pause(); await end;
        onPut = async (url) => `etag of ${url}`; await run.start();
        const complete = posts.find(([what]) => what === "uploads/complete")[1];
        return [sent, puts.map(([url]) => url), complete.parts, run.state, states(run), posts.filter(([what]) => what === "uploads").length];
    """)
    parts = [f"part/k1/{number}" for number in (1, 2, 3)]
    assert found == [
        20,
        [*parts, parts[1]],
        [{"number": number, "etag": f"etag of part/k1/{number}"} for number in (1, 2, 3)],
        "finished",
        ["done"],
        1,
    ]


def test_part_is_tried_again_alone_and_an_expired_one_begins_the_video_anew() -> None:
    found = _js("""
        let lost = 1; onPut = async (url) => { if (url === "part/k1/3" && lost-- > 0) away(); return "etag"; };
        let run = made(); await run.add(entriesOf([file("a.mp4", 30)]));
        let end = run.start(); await ring(); await end;
        const alone = [puts.length, states(run)]; puts.length = 0; slots = 0;
        onPut = async (url) => { if (url.startsWith("part/k1/")) throw new Failure("old", { expired: true, status: 403 }); return "etag"; };
        run = made(); await run.add(entriesOf([file("b.mp4", 30)]));
        end = run.start(); await ring(); await end;
        return [...alone, puts.filter(([url]) => url.startsWith("part/k2/")).length, posts.at(-1)[1].upload_key, states(run)];
    """)
    assert found == [4, ["done"], 3, "k2", ["done"]]


def test_video_is_told_to_be_there_already_or_refused_without_its_key() -> None:
    assert _js("""
        const failures = [new Failure("there", { status: 409, problem: { sha256: "x" } }), new Failure("k2: has no picture.", { status: 422 })];
        onPost = (what) => { if (what === "videos") throw failures.shift(); };
        const run = made(); await run.add(entriesOf([file("a.mp4", 30), file("b.mp4", 30)])); await run.start();
        return run.entries.map(({ state, message }) => [state, message]);
    """) == [["there", "The same content is in the dataset already."], ["refused", "Has no picture."]]
