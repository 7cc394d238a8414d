"""The token doctor: will Hasura take this token, why not, and what is to be changed.

`diagnose` decides, and knows neither clock nor network; `engine_with` and `running_engine` say what there is to know
of a Hasura.
"""

from frontdesk.hasura.token_doctor.diagnosis import Diagnosis, Finding, Level, Refusal, Verdict
from frontdesk.hasura.token_doctor.engines import engine_with, running_engine
from frontdesk.hasura.token_doctor.examination import Engine, Unseen, diagnose
from frontdesk.hasura.token_doctor.keys import KeySet, VerificationKey, keys_of_secret, keys_of_set

__all__ = [
    "Diagnosis",
    "Engine",
    "Finding",
    "KeySet",
    "Level",
    "Refusal",
    "Unseen",
    "Verdict",
    "VerificationKey",
    "diagnose",
    "engine_with",
    "keys_of_secret",
    "keys_of_set",
    "running_engine",
]
