"""Every word of the interface, in one table with a column for each language.

Keys are read with :func:`say`; ``{name}`` marks a value that is filled in. Nothing here is HTML: whoever renders a
sentence escapes it.
"""

from __future__ import annotations

from raven_core.ui import words_annotate, words_errors, words_evaluate, words_programs, words_study, words_zh
from raven_core.ui.language import CHINESE, DEFAULT, spoken

TABLE: dict[str, dict[str, str]] = {
    "en": {
        # frame
        "title": "RAVEN",
        "page_title": "RAVEN · look it up, then answer",
        "tagline": "A vision-language model that looks things up before it answers. See what it found.",
        "tab_explore": "Explore",
        "tab_compare": "Compare",
        "tab_about": "About & privacy",
        # loading
        "loading": "Loading models · {seconds:.0f} s",
        "loading_hint": "Your question runs as soon as they are ready.",
        "ready": "Ready",
        "ready_hint": "{title}: models loaded in {seconds:.1f} s",
        "load_failed": "The models did not load",
        # asking
        "image": "Image",
        "image_hint": "Drop a picture here, paste one, or click to upload",
        "examples": "Or start from an example",
        "example_try": "Try this example: {title}",
        "known_failure": "known failure",
        "task": "What to ask",
        "task_caption": "Describe it",
        "task_question": "Ask about it",
        "question": "Question",
        "question_hint": "What does it eat?  (Enter runs)",
        "run_caption": "Describe this image",
        "run_question": "Answer this question",
        "stop": "Stop",
        "feed": "Feed the model",
        "feed_hint": "What it sees of each neighbour found in the memory. Both off: it answers from its weights alone.",
        "feed_images": "Neighbour images",
        "feed_captions": "Neighbour captions",
        "k": "Neighbours to look up (k)",
        "adapter": "Adapter",
        "adapter_hint": "The fine-tuning on top of the base model.",
        "adapter_default": "{name} · default",
        "adapter_base": "base model, no adapter",
        "advanced": "Advanced",
        "weight": "Weight of the question in the search",
        "weight_hint": "0 searches by the image alone, 1 by the question alone. Counts only when you ask a question.",
        "order": "Order in the prompt",
        "order_nearest-last": "nearest last, beside your image",
        "order_nearest-first": "nearest first",
        "duplicates": "Drop near-duplicates of my image",
        "duplicates_hint": "Otherwise a copy of the picture in the memory gives the answer away.",
        # answer
        "welcome": "Nothing asked yet",
        "welcome_name_1": "Pick an image",
        "welcome_name_2": "RAVEN looks it up",
        "welcome_name_3": "The model answers",
        "welcome_step_1": "Your own, or an example: one press runs it. A question mark means that it asks something.",
        "welcome_step_2": "It finds the nearest neighbours in {memory}, a memory of pictures with captions.",
        "welcome_step_3": "With what the neighbours show and say. Switch parts of them off, and judge if they helped.",
        "memory_fallback": "its memory",
        "answer_caption": "Description",
        "answer_question": "Answer",
        "fed_both": "images and captions fed",
        "fed_image": "neighbour images fed",
        "fed_text": "neighbour captions fed",
        "fed_none": "no retrieval",
        "searching": "Looking up neighbours …",
        "empty_answer": "The model gave an empty answer.",
        "stopped": "Stopped before the end",
        "stopped_hint": "An answer that was stopped cannot be judged. Run again for a whole one.",
        "confidence": "Confidence",
        "confidence_hint": "The geometric mean of the model's probabilities for each piece of the answer. It says how "
        "sure the model was, not whether it is right.",
        "unsure_words": "Dotted words had a probability below {percent} %.",
        "word_probability": "probability {percent} %",
        "far": "This image may lie outside this memory",
        "far_body": "The nearest neighbour is only {similarity} similar; below {threshold} we warn. Of images that do "
        "belong here, {alarm} % get this warning by mistake.",
        "far_body_empty": "Nothing similar was found in this memory.",
        # neighbours
        "neighbours": "Neighbours it looked up",
        "neighbours_none": "No neighbours were looked up: the model answered from its weights alone.",
        "neighbours_short": "{found} of the {asked} neighbours asked for were left after leaving some out.",
        "nearest": "nearest",
        "similarity": "similarity {value}",
        "no_caption": "no caption in the memory",
        "no_image": "no image in the memory",
        "not_fed": "not fed",
        "leave_out": "Leave out",
        "leave_out_label": "Leave out neighbour {rank} and run again",
        "left_out": "Left out:",
        "put_back_label": "Put back and run again: {caption}",
        "put_all_back": "Put all back",
        # compare
        "compare": "Compare with and without the neighbours",
        # finding
        "full_stop": ".",
        # given
        "given": "What the model was given, verbatim",
        "given_image": "The one image it saw",
        "given_images": "The {count} images, in reading order",
        "given_text": "The text, with a mark where each image stands",
        "given_query": "your image",
        "given_neighbour": "neighbour {rank}",
        # made
        "made": "How this answer was made",
        "made_model": "model",
        "made_adapter": "adapter",
        "made_memory": "memory",
        "made_seed": "seed",
        "made_base": "none (base model)",
        "made_total": "{seconds} in all",
        "stage_decode": "read image",
        "stage_encode": "encode",
        "stage_search": "search",
        "stage_prompt": "build prompt",
        "stage_generate": "generate",
        # judging
        "judge": "Was this answer right?",
        "verdict_success": "Success",
        "verdict_partly": "Partly",
        "verdict_failure": "Failure",
        "tags": "What went wrong? (as many as apply)",
        "tag_retrieval-miss": "Nothing relevant was found",
        "tag_near-duplicate-leak": "A near-duplicate gave it away",
        "tag_caption-noise": "A neighbour's caption is wrong",
        "tag_majority-copy": "Copied what most captions say",
        "tag_image-distraction": "Distracted by a neighbour's image",
        "tag_ignored-good-evidence": "Ignored good evidence",
        "tag_reference-wrong": "The expected answer is wrong",
        "tag_other": "Something else",
        "correction": "What should it have said?",
        "note": "Note",
        "save_details": "Save details",
        "saved": "Saved: {verdict}",
        "saved_details": "with details",
        "saved_count_one": "1 judgment from you so far",
        "saved_count": "{count} judgments from you so far",
        "previous": "Your last judgment: {verdict}, on “{output}”",
        "withdraw": "Withdraw",
        "withdrawn": "Withdrawn. It no longer counts.",
        "change": "Change",
        "changing": "Changing your judgment of “{output}”",
        "not_judgeable": "This answer was not stored, so it cannot be judged. Run again with storing on.",
        "not_judgeable_server": "This server stores nothing, so answers cannot be judged here.",
        "storing_failed": "Your answer is below, but it could not be stored, so it cannot be judged: {reason}",
        # privacy
        "store": "Store my images, answers and judgments",
        "store_on": "Kept on this server in {place}, {term}, so that failures can be studied. "
        "Off: nothing of your next runs is kept.",
        "store_server_off": "This server stores neither images nor answers nor judgments.",
        "term_days": "for {days} days",
        "term_forever": "until you or the operator delete it",
        "delete": "Delete everything I gave",
        "delete_confirm": "Yes, delete it all",
        "delete_cancel": "Keep it",
        "delete_ask": "This removes every image, answer and judgment stored from this browser. It cannot be undone.",
        "deleted": "Deleted: {trials} stored answers with their images and judgments.",
        "deleted_one": "Deleted: 1 stored answer with its image and judgments.",
        "deleted_none": "There was nothing stored from this browser.",
        "place_folder": "the folder “{folder}”",
        "place_database": "its database",
        # about
        "about_title": "What this is",
        "about_what": "RAVEN is a model that answers about a picture after looking up similar pictures with captions "
        "in an outside memory. This page shows each step, so that one can see when looking things up helps and when it "
        "misleads. The method follows",
        "about_paper": "“RAVEN: Multitask Retrieval Augmented Vision-Language Learning” (arXiv 2406.19150)",
        "about_read": "How to read an answer",
        "about_read_1": "Neighbours are ordered by similarity, a cosine: 1 is the same direction, 0 is unrelated. With "
        "a question, similarity also counts how well a caption fits the question.",
        "about_read_2": "What you do not feed to the model is dimmed on its card and marked “not fed”. Leave a "
        "neighbour out to see what the answer owes to it.",
        "about_read_3": "Confidence says how sure the model was, not whether it is right. A copied name can be sure "
        "and wrong.",
        "about_read_4": "“Compare with and without the neighbours” asks the same without the memory, with captions, "
        "with images and with both, and finds out which neighbour made the difference.",
        "privacy_title": "What is stored about you",
        "privacy_what": "Each answer with its image, your question, the settings and the neighbours; and your "
        "judgments with their corrections and notes.",
        "privacy_where": "On the server that runs this page, in {place}, {term}.",
        "privacy_who": "Whoever runs this server can read it and may export it to study failures. Other visitors "
        "cannot see it.",
        "privacy_annotate": "Judgments on the Annotate tab are kept under the name chosen there, and whoever judged "
        "the same item sees them. The button there deletes what came from this browser under one name, the button "
        "below all that came from it. The rest (from other browsers, or older) only the operator can delete.",
        "privacy_browser": "Your browser keeps a random number, so that you find your last judgment again and can "
        "delete what you gave. There is no login, no tracking, and nothing is sent to third parties.",
        "privacy_upload": "An uploaded picture also lies in the server's temporary folder, for at most about an hour, "
        "so that it can be shown and read.",
        "privacy_off": "Switch storing off beside the form, and nothing of your next runs is kept.",
        # errors
        "error": "That did not work",
        "error_no_image": "There is no image yet. Upload one, paste one, or click an example.",
        "error_not_uploaded": "That image was not uploaded here. Upload it, paste it, or click an example.",
        "error_not_compared": "There is nothing to explain yet: compare something first.",
        "error_not_explainable": "That answer had no neighbours to come from: set k above 0, and compare again.",
        "error_nothing_to_add": "A new neighbour needs a caption or an image.",
        "error_no_example": "There is no such example.",
        "error_unexpected": "Something broke on our side. Your image and question are still here: run again, and if "
        "it happens twice, tell whoever runs this page what you did.",
        "error_nothing_to_judge": "There is no answer to judge yet: run something first.",
        "error_no_last": "There is no judgment to change or withdraw.",
    }
    | words_study.WORDS
    | words_annotate.WORDS
    | words_errors.WORDS
    | words_evaluate.WORDS
    | words_programs.WORDS,
    CHINESE: words_zh.WORDS,
}


def say(key: str, language: str | None = None, **values: object) -> str:
    """The words for ``key`` with ``values`` filled in, in the language of whoever is served unless one is named.

    English stands in where a translation lacks the key.

    Raises:
        KeyError: no language has the key.
    """
    words = TABLE.get(language or spoken(), TABLE[DEFAULT]).get(key) or TABLE[DEFAULT][key]
    return words.format(**values) if values else words
