/* Where to go after signing in. The address of the sign-in page says so, and anybody can write an address. */

/** The path in `wanted` if it is one of our own pages, otherwise the start page. */
export function ownPath(wanted, origin) {
  if (!wanted || !URL.canParse(wanted, origin)) return "/";
  const url = new URL(wanted, origin);
  // Dots are resolved by now: "/.//evil.example" has become "//evil.example", which a browser reads as another site.
  const ours = url.origin === origin && !url.pathname.startsWith("//") && !url.pathname.startsWith("/sign-in");
  return ours ? url.pathname + url.search : "/";
}
