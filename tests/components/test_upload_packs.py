"""Small files that an upload in the browser puts together, against a store and a server that are played."""

# ruff: noqa: E501 the played server is JavaScript, read line by line

from typing import Any

from tests.components.browser_modules import run_js

SETTING = """
    const { UploadRun } = await load("upload_run.js");
    const { Failure } = await load("upload_network.js");
    const { entriesOf, packsOf, PACK_BYTES, PACKED_BYTES } = await load("upload_plan.js");
    const kept = new Map();
    const memory = { known: async () => new Map(), remember: async (pairs) => pairs.forEach(([key, value]) => kept.set(key, value)), forget: async () => kept.clear() };
    const file = (name, size, more = {}) => ({ path: name, file: Object.assign(new Blob(["x".repeat(size)]), { lastModified: 1, ...more }) });
    const store = new Map(); const posts = []; const puts = []; let slots = 0; let beforePut = async () => {}; let skipped = [];
    const network = {
        post: async (path, body, { key } = {}) => {
            posts.push([path.split("/").at(-1), body, key]);
            if (path.endsWith("uploads")) return { slots: Array.from({ length: body.count }, () => ({ upload_key: `k${slots}`, url: `u${slots++}`, parts: [] })) };
            return { items: [], skipped };
        },
        put: async (url, blob, { signal, onSent }) => {
            puts.push(url);
            await beforePut(url, blob, signal, onSent);
            signal.throwIfAborted();
            store.set(url, await blob.text());
        },
    };
    const run = new UploadRun({ dataset: "d", memory, network });
    const wanted = () => posts.filter(([what]) => what === "samples").flatMap(([, body]) => body.samples);
    const states = () => run.entries.map(({ state, code }) => code || state);
"""


def _js(body: str, given: Any = None) -> Any:
    return run_js(SETTING + body, given=given)


def test_small_files_are_put_together_and_registered_by_their_place_and_digest() -> None:
    found = _js("""
        await run.add(entriesOf([file("a.png", 3), file("b.png", PACKED_BYTES + 1), file("c.png", 5)]));
        await run.start();
        return { state: run.state, states: states(), wanted: wanted(), sizes: [...store.values()].map((text) => text.length), large: PACKED_BYTES + 1 };
    """)
    assert (found["state"], found["states"]) == ("finished", ["done"] * 3)
    assert sorted(found["sizes"]) == [8, found["large"]]
    a, b, c = found["wanted"]
    assert (a["part"], c["part"]) == ({"first": 0, "size": 3}, {"first": 3, "size": 5})
    assert a["upload_key"] == c["upload_key"] != b["upload_key"]
    assert "part" not in b
    assert [one["metadata"]["file_name"] for one in (a, b, c)] == ["a.png", "b.png", "c.png"]
    assert len({a["sha256"], b["sha256"], c["sha256"]}) == 3


def test_packs_end_before_they_get_too_large_and_videos_stay_alone() -> None:
    found = _js("""
        const entries = [...Array(100).keys()].map((n) => ({ path: `${n}`, size: PACKED_BYTES, isVideo: false }));
        const packs = packsOf([...entries, { path: "v", size: 10, isVideo: true }]);
        return { all: packs.flat().length, most: Math.max(...packs.map((pack) => pack.reduce((sum, one) => sum + one.size, 0))), limit: PACK_BYTES, last: packs.at(-1).length };
    """)
    assert (found["all"], found["last"]) == (101, 1)
    assert found["most"] <= found["limit"]


def test_what_the_server_says_of_one_file_in_a_pack_is_told_of_that_file() -> None:
    found = _js("""
        await run.add(entriesOf([file("a.png", 3), file("b.png", 4), file("c.png", 5)]));
        skipped = [{ upload_key: "k0", first: 3, code: "damaged", message: "the image is cut short." }, { upload_key: "k0", first: 7, code: "duplicate", message: "" }];
        await run.start();
        return run.entries.map(({ state, message }) => [state, message]);
    """)
    assert found == [
        ["done", ""],
        ["refused", "The image is cut short."],
        ["there", "The same content is in the dataset already."],
    ]


def test_file_that_cannot_be_read_leaves_the_rest_of_its_pack() -> None:
    found = _js("""
        const gone = { arrayBuffer: async () => { throw new Error("NotReadable"); } };
        await run.add(entriesOf([file("a.png", 3), file("b.png", 4, gone), file("c.png", 5)]));
        await run.start();
        return [states(), wanted().map(({ part }) => part)];
    """)
    assert found == [["done", "unreadable", "done"], [{"first": 0, "size": 3}, {"first": 3, "size": 5}]]


def test_progress_of_a_pack_is_shared_out_to_its_files_in_order() -> None:
    found = _js("""
        const seen = [];
        beforePut = async (url, blob, signal, onSent) => { for (const bytes of [2, 5, 12]) { onSent(bytes); seen.push([...run.entries.map(({ sent }) => sent), run.totals().sent]); } };
        await run.add(entriesOf([file("a.png", 3), file("b.png", 4), file("c.png", 5)]));
        await run.start();
        return seen;
    """)
    assert found == [[2, 0, 0, 2], [3, 2, 0, 5], [3, 4, 5, 12]]


def test_pause_stops_a_pack_and_the_same_files_go_in_afterwards() -> None:
    found = _js("""
        await run.add(entriesOf([file("a.png", 3), file("b.png", PACKED_BYTES + 1), file("c.png", 5)]));
        beforePut = async (url) => { if (url === "u0") { while (!store.has("u1")) await null; run.pause(); } };
        await run.start();
        const paused = [run.state, states()];
        beforePut = async () => {};
        puts.length = 0;
        await run.start();
        return { paused, then: [run.state, states()], puts, wanted: wanted().length };
    """)
    assert found["paused"] == ["paused", ["waiting"] * 3]
    assert found["then"] == ["finished", ["done"] * 3]
    assert found["puts"] == ["u2"], "what had arrived is not put again"
    assert found["wanted"] == 3


def test_lost_connection_is_tried_again_and_an_address_too_old_replaced() -> None:
    found = _js("""
        const problems = [new Failure("away", { again: true, wait: 1 }), new Failure("403", { expired: true })];
        beforePut = async () => { const problem = problems.shift(); if (problem) throw problem; };
        const troubles = new Set(); run.onChange = () => troubles.add(run.trouble);
        globalThis.setTimeout = (call) => queueMicrotask(call);
        await run.add(entriesOf([file("a.png", 3), file("b.png", 4)]));
        await run.start();
        return { state: run.state, puts, troubles: [...troubles], wanted: wanted().map(({ upload_key }) => upload_key) };
    """)
    assert (found["state"], found["puts"], found["wanted"]) == ("finished", ["u0", "u0", "u1"], ["k1", "k1"])
    assert "away" in found["troubles"]
