"""What can go wrong, as a small tree. Every message says what was wrong and how to mend it.

RavenError                 anything RAVEN refuses to do
├── InputError             the person's input cannot be used
│   ├── ImageError         the image cannot be read (not an image, truncated, empty, too large, unsupported)
│   ├── QuestionError      the question is empty or too long
│   ├── OptionError        an option is unknown or out of range (modality, k, order, weight, cell)
│   └── ScoreError         these references and results cannot be scored (one image, a missing caption or answer)
├── ConfigError            a profile or setting is missing, unknown or inconsistent
│   ├── ProfileError       the profile does not exist or does not describe itself
│   └── AdapterError       the adapter is not part of the profile or its folder is broken
├── MemoryStoreError       the external memory cannot be used
│   └── EncoderMismatchError  the memory or its index was made by another encoder
├── HubError               a model hub is needed and cannot be reached
└── StoreError             a judgment or trial cannot be stored or found
"""

from __future__ import annotations


class RavenError(Exception):
    """Anything RAVEN refuses to do; the message is fit to be shown to a person."""


class InputError(RavenError):
    """The person's input cannot be used."""


class ImageError(InputError):
    """The image cannot be read as it stands."""


class QuestionError(InputError):
    """The question is empty or too long."""


class OptionError(InputError):
    """An option is unknown or out of range."""


class ScoreError(InputError):
    """These references and results cannot be scored as they stand."""


class ConfigError(RavenError):
    """A profile or setting is missing, unknown or inconsistent."""


class ProfileError(ConfigError):
    """The profile does not exist or does not describe itself."""


class AdapterError(ConfigError):
    """The adapter is not part of the profile, or its folder is broken."""


class MemoryStoreError(RavenError):
    """The external memory cannot be used."""


class EncoderMismatchError(MemoryStoreError):
    """The memory or its index was made by another encoder."""


class HubError(RavenError):
    """A model hub is needed and cannot be reached."""


class StoreError(RavenError):
    """A judgment or trial cannot be stored or found."""
