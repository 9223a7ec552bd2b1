"""The look: colours, fonts (served with the page, nothing is fetched) and the style sheet."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
STYLE = STATIC / "style.css"
EVALUATE_STYLE = STATIC / "evaluate.css"
FAVICON = STATIC / "raven.svg"
LOGO = FAVICON.read_text("utf-8")

MOSS = gr.themes.Color(
    "#f1f6f3", "#dcebe2", "#bcd8c8", "#8fbca4", "#5f9b7e", "#2f7a58", "#256548", "#1e513b", "#1a4131", "#153529",
    "#0b1f18", name="moss",
)  # fmt: skip
INK = gr.themes.Color(
    "#faf7f1", "#f1ece2", "#e2dacb", "#cabfab", "#9b9384", "#716c62", "#57544d", "#3d3d3a", "#272b2c", "#1b2022",
    "#131719", name="ink",
)  # fmt: skip

WEIGHTS = (400, 700)  # of the fonts that gradio ships, the files of other weights lack the Latin alphabet

HEAD = f"""<meta name="description" content="Explore a retrieval-augmented vision-language model.">
<script>
{(STATIC / "streams.js").read_text("utf-8")}</script>"""


def theme() -> gr.themes.Base:
    """Paper and ink by day, slate by night, moss for what can be pressed."""
    return gr.themes.Base(
        primary_hue=MOSS,
        secondary_hue=MOSS,
        neutral_hue=INK,
        font=(gr.themes.LocalFont("Source Sans Pro", WEIGHTS), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", WEIGHTS), "ui-monospace", "monospace"),
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_lg,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_300",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_padding="0px",
        block_title_text_weight="600",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_300",
        panel_border_width="0px",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_width="1px",
        input_border_color="*neutral_200",
        input_border_color_dark="*neutral_700",
        button_primary_background_fill="*primary_500",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_border_width="1px",
        slider_color="*primary_500",
        slider_color_dark="*primary_400",
    )
