"""What the pages remember and do. Thin: a handler calls one service through `base.Page` and keeps what it shows."""
