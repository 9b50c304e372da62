"""What a person can put right. Anything else that is raised is a fault of the program and stays a traceback.

DuskwatchError            one line: which file or option, where, and what to do
├── InputError            what was given cannot be used (also a ValueError)
│   ├── ArchiveError, SeriesError, RoleError, ReferenceDataError, UnknownCountryError, CaseError
│   ├── NotAFeedError, RisLiveError, StationError, KafkaFeedError
│   ├── DownloadError, DamagedError, FlowInputError, NewsError, ReportError
│   ├── ConnectionLogError, ProbeListError, OoniError, TestListError
│   ├── WeightsError, FactsError, LabelsError, RuleError, TooManyCollectorsError
│   └── StoreError (ConflictError)
└── BackfillError         a run that cannot go on; what is finished stays
"""


class DuskwatchError(Exception):
    """One complete line for the person at the command line, who alone can put it right."""


class InputError(DuskwatchError, ValueError):
    """A text, an option or a file that cannot be used."""
