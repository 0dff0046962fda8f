/* Brings the tab that is shown into view where its line is wider than the page; the page itself stays where it is. */

import React, { useEffect, useRef } from "react";

export function TabScroll() {
  const mark = useRef(null);
  useEffect(() => {
    const line = mark.current?.closest("nav");
    const shown = line?.querySelector('[aria-current="page"]');
    if (!shown) return undefined;
    // Again when any tab gets its width: the line is narrower while fonts and icons are on their way.
    const centre = () => {
      const place = shown.getBoundingClientRect(), frame = line.getBoundingClientRect();
      line.scrollLeft += place.left + place.width / 2 - (frame.left + frame.width / 2);
    };
    const watch = new ResizeObserver(centre);
    for (const one of [line, ...line.querySelectorAll("li")]) watch.observe(one);
    return () => watch.disconnect();
  }, []);
  return <span ref={mark} hidden />;
}
