/* A gallery of any length: tiles that are in view and a little around, fed page by page (`sample_pages.js`).
 *
 * One stop of the Tab key. Arrows, Page Up and Down, Home and End walk; Enter opens; Space picks, with Shift up to there;
 * Ctrl or Cmd + A puts everything back or picks what is held. Where somebody was stands in the entry of the browser's
 * history, so that going back leads there.
 */

import React, { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { listen } from "./live_listen.js";
import { Feed } from "./sample_pages.js";
import { SampleTile } from "./sample_tile.jsx";
import { layout, reveal, scrollTo, view } from "./sample_window.js";

const TILES = { least: 104, gap: 12, caption: 26 };
const PHONE_TILES = { least: 92, gap: 10, caption: 26 };
const KEY = "sampleGallery";
const MOST_PICKED = 500;
const REFRESH_MS = 1500;
const thousands = (number) => number.toLocaleString("en-US");

function useSize(ref) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => ref.current && setSize({ width: ref.current.clientWidth, height: ref.current.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(ref.current);
    measure();
    return () => observer.disconnect();
  }, []);
  return size;
}

/** Where somebody was in this very list, if this entry of the history knows. */
const rememberedPlace = (name) => {
  const place = window.history.state?.[KEY];
  return place?.name === name ? place.index : 0;
};

function remember(name, index) {
  window.history.replaceState({ ...window.history.state, [KEY]: { name, index } }, "");
}

function useFeed(url, query, topic, revision) {
  const [, draw] = useState(0);
  const feed = useMemo(() => (url ? new Feed(url, query, () => draw((count) => count + 1)) : null), [url, query]);
  useEffect(() => {
    if (!feed) return undefined;
    feed.isClosed = false;
    feed.ask();
    const stop = topic ? listen([topic], REFRESH_MS, () => ({ onMessage: () => feed.refresh(), onReconnect: () => feed.refresh() })) : () => {};
    return () => {
      stop();
      feed.close();
    };
  }, [feed, topic]);
  const known = useRef(revision);
  useEffect(() => {
    if (known.current !== revision) feed?.refresh();
    known.current = revision;
  }, [revision, feed]);
  return feed;
}

/** What is picked: quick here, and told to the page, whose word counts when it says something else.
 *
 * Told is what changed, not what is picked: the page may have picked more meanwhile, and that would be lost.
 */
function usePicked(picked, onPick) {
  const [mine, setMine] = useState(() => new Set(picked));
  const said = picked.join();
  useEffect(() => setMine(new Set(picked)), [said]);
  const pick = useCallback((next) => {
    const few = new Set([...next].slice(0, MOST_PICKED));
    setMine(few);
    onPick?.([...few].filter((id) => !mine.has(id)), [...mine].filter((id) => !few.has(id)));
  }, [mine, onPick]);
  return [mine, pick];
}

function Summary({ pages, shown }) {
  if (!pages?.total) return null;
  const total = `${pages.isExact ? "" : "about "}${thousands(pages.total)}`;
  const [first, last] = [shown.seen + 1, Math.max(shown.seen + 1, shown.seenLast)];
  const where = pages.total > last || first > 1 ? `${thousands(first)}\u2013${thousands(last)} of ${total}` : total;
  return <span className="ty-second" data-testid="gallery-summary">{where} {pages.total === 1 ? "sample" : "samples"}</span>;
}

function Fault({ problem, onRetry }) {
  return (
    <p role="alert" className="ty-gallery-fault" data-testid="gallery-fault">
      {problem} <button type="button" className="ty-link" onClick={onRetry}>Try again</button>
    </p>
  );
}

function nextIndex(key, active, total, columns, rows) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: columns * rows, PageUp: -columns * rows };
  if (key === "Home") return 0;
  if (key === "End") return total - 1;
  if (!(key in steps)) return null;
  return Math.max(0, Math.min(total - 1, active + steps[key]));
}

export function SampleGallery({ url = "", query = "", topic = "", revision = 0, picked = [], pickable = false, colours = {}, label = "Samples", onPick, onOpen, children, ...rest }) {
  const box = useRef(null);
  const size = useSize(box);
  const feed = useFeed(url, query, topic, revision);
  const [chosen, pick] = usePicked(picked, onPick);
  const [scrollTop, setScrollTop] = useState(0);
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const restored = useRef(null);
  const name = `${url}?${query}`;

  const pages = feed?.pages;
  const total = pages?.total ?? 0;
  const padding = size.width < 480 ? 14 : 16;
  const grid = layout(Math.max(1, size.width - 2 * padding), size.width < 480 ? PHONE_TILES : TILES);
  const shown = view(scrollTop, Math.max(1, size.height - 2 * padding), total, grid);

  useEffect(() => {
    restored.current = null;
    setActive(0);
    if (box.current) box.current.scrollTop = 0;
    setScrollTop(0);
  }, [name]);
  useEffect(() => {
    if (!total || !size.height || restored.current === name) return;
    restored.current = name;
    const index = Math.min(rememberedPlace(name), total - 1);
    if (index > 0) {
      setActive(index);
      box.current.scrollTop = scrollTo(index, size.height - 2 * padding, total, grid);
    }
  }, [name, total, size.height]);
  useEffect(() => {
    feed?.show(shown.first, shown.last);
  }, [feed, shown.first, shown.last, pages?.total]);
  useEffect(() => {
    if (restored.current !== name) return undefined;
    const timer = setTimeout(() => remember(name, shown.seen), 200);
    return () => clearTimeout(timer);
  }, [name, shown.seen]);

  const toggle = (index, isRange) => {
    const item = pages.at(index);
    if (!pickable || !item) return;
    const next = new Set(chosen);
    if (isRange) {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      for (let place = from; place <= to; place++) if (pages.at(place)) next.add(pages.at(place).id);
    } else if (!next.delete(item.id)) {
      next.add(item.id);
    }
    anchor.current = index;
    pick(next);
  };
  const open = (index) => pages.at(index) && onOpen?.(pages.at(index).id);
  const acts = useRef({});
  acts.current = { toggle, open };
  const act = useCallback((what, index, isRange) => {
    setActive(index);
    acts.current[what](index, isRange);
  }, []);
  const onKeyDown = (event) => {
    if (!total) return;
    if (event.key === "Enter") open(active);
    else if (event.key === " ") toggle(active, event.shiftKey);
    else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      if (pickable) pick(chosen.size ? new Set() : new Set([...pages.held()].map((item) => item.id)));
    } else {
      const rows = Math.max(1, Math.floor(size.height / grid.rowHeight));
      const next = nextIndex(event.key, active, total, grid.columns, rows);
      if (next === null) return;
      setActive(next);
      box.current.scrollTop = reveal(next, box.current.scrollTop, size.height - 2 * padding, total, grid);
    }
    event.preventDefault();
  };

  const tiles = [];
  for (let index = shown.first; index < shown.last; index++) {
    const item = pages.at(index);
    tiles.push(
      <SampleTile key={index} id={`sample-${index}`} item={item} index={index} total={total} colours={colours} pickable={pickable}
        isActive={index === active} isPicked={Boolean(item && chosen.has(item.id))} onAct={act} />,
    );
  }
  const isWaiting = !feed || pages.total === null;
  const isEmpty = pages?.total === 0;
  return (
    <div {...rest} className="ty-gallery" data-state={isWaiting ? "loading" : isEmpty ? "empty" : "ready"}>
      {feed?.problem ? <Fault problem={feed.problem} onRetry={() => feed.retry()} /> : null}
      {isEmpty ? children : null}
      <div ref={box} className="ty-gallery-box" data-testid="sample-box" hidden={isEmpty} onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}>
        <div role="listbox" aria-label={label} aria-multiselectable={pickable} aria-busy={isWaiting} tabIndex={0} data-testid="sample-grid" className="ty-gallery-list"
          aria-activedescendant={tiles.length ? `sample-${active}` : undefined} onKeyDown={onKeyDown} style={{ height: isWaiting ? 480 : shown.height, margin: padding }}>
          <div role="presentation" className="ty-gallery-window" style={{ transform: `translateY(${shown.offset}px)`, gridTemplateColumns: `repeat(${grid.columns}, ${grid.tile}px)`, gap: grid.gap, gridAutoRows: grid.rowHeight - grid.gap }}>
            {isWaiting ? Array.from({ length: 24 }, (_, number) => <SampleTile key={number} />) : tiles}
          </div>
        </div>
      </div>
      <div className="ty-gallery-foot"><Summary pages={pages} shown={shown} /></div>
    </div>
  );
}
