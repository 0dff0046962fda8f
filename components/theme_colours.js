/* Reads the theme's colours for canvases and plots, and tells when light and dark change. */

import { useEffect, useState } from "react";

const NAMES = {
  ink: "--gray-12", soft: "--gray-11", faint: "--gray-8", line: "--gray-5", hair: "--gray-4", panel: "--color-panel-solid",
};
const CURVES = ["--indigo-9", "--orange-9", "--teal-9", "--crimson-9", "--violet-9", "--amber-10", "--cyan-10", "--gray-10"];

function read(element) {
  const style = getComputedStyle(element.closest(".radix-themes") ?? document.documentElement);
  const colours = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, style.getPropertyValue(name).trim()]));
  colours.curves = CURVES.map((name) => style.getPropertyValue(name).trim() || "#3e63dd");
  colours.font = style.getPropertyValue("--default-font-family") || "system-ui, sans-serif";
  return colours;
}

/** Colours of the theme around `ref`, read again whenever the colour mode changes; null before the first paint. */
export function useThemeColours(ref) {
  const [colours, setColours] = useState(null);
  useEffect(() => {
    if (!ref.current) return undefined;
    const refresh = () => ref.current && setColours((old) => {
      const next = read(ref.current);
      return JSON.stringify(old) === JSON.stringify(next) ? old : next;
    });
    refresh();
    const observer = new MutationObserver(() => requestAnimationFrame(refresh));
    const watched = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
    observer.observe(document.documentElement, watched);
    const theme = ref.current.closest(".radix-themes");
    if (theme) observer.observe(theme, watched);
    return () => observer.disconnect();
  }, [ref]);
  return colours;
}
