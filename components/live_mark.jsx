/* Says in a word whether what the page shows is being kept up to date. */

import React, { useEffect, useState } from "react";
import { LINK_WORDS, linkOf, subscribe } from "./live_socket.js";

export function LiveMark({ topic = "", ...rest }) {
  const [link, setLink] = useState("connecting");
  useEffect(() => subscribe(topic, { onState: (state) => setLink(linkOf(state)) }), [topic]);
  return (
    <span {...rest} className="ty-live" data-link={link} role="status">
      <span className="ty-live-dot" aria-hidden="true" />
      {LINK_WORDS[link]}
    </span>
  );
}
