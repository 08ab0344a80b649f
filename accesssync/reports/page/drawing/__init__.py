"""From figures to pictures: where every bar, line and word stands. The templates only write it down."""
