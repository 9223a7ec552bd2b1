"""What programs are told that call the page's endpoints or tools; ``words.py`` takes them into its table."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "error_no_ids": "Name the neighbours as a list of their ids.",
    "error_not_in_comparison": "The last comparison has nothing of that name: compare, and name what it has.",
    "error_no_tool_image": "Send the image as a data: address in base64, or upload it to this server first and send "
    "its address: nothing is fetched from elsewhere.",
    "error_no_shown": "Unknown choice “{shown}”: show none, text, image or both of the neighbours.",
}
"""Key → words."""
