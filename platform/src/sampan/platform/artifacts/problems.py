"""What this floor refuses, beside what its single rules refuse."""

from sampan.platform.errors import Conflict, Forbidden, Invalid, NotFound


class PublisherUnknown(NotFound):
    """No publisher of this id that the caller may know of."""

    code = "publisher_unknown"


class PublisherNameTaken(Conflict):
    """Another publisher has this name."""

    code = "publisher_name_taken"
    field = "name"


class AppUnknown(NotFound):
    """No app of this id that the caller may know of."""

    code = "app_unknown"


class BadAppId(Invalid):
    """The text cannot name an app."""

    code = "bad_app_id"


class AppIdTaken(Conflict):
    """The app id is in use, or was: ids are never reused."""

    code = "app_id_taken"
    field = "app"


class AppArchived(Conflict):
    """The app is archived for ever."""

    code = "app_archived"


class PublisherKeyMissing(Conflict):
    """The publisher has no active key for a tree."""

    code = "publisher_key_missing"
    field = "publisher"


class VersionUnknown(NotFound):
    """The app has no version of this sequence."""

    code = "version_unknown"


class FileUnknown(NotFound):
    """The version has no file of this path."""

    code = "file_unknown"


class IconUnknown(NotFound):
    """There is no icon, or none of a type and size that a console shows."""

    code = "icon_unknown"


class SequenceTaken(Conflict):
    """The sequence belongs to other bytes for ever."""

    code = "sequence_taken"


class BodyMissing(Invalid):
    """A role body is missing for a tree that needs one."""

    code = "body_missing"


class FloorsDiffer(Invalid):
    """The bodies for different trees carry different security floors."""

    code = "floors_differ"


class ReviewStale(Conflict):
    """What is under review is not what the reviewer saw."""

    code = "review_stale"


class OwnPublisher(Forbidden):
    """Nobody reviews what their own publisher made."""

    code = "own_publisher"


class RenewalUnknown(NotFound):
    """No renewal of this id waits for the app."""

    code = "renewal_unknown"


class RenewalOpen(Conflict):
    """Another renewal of the app is under review."""

    code = "renewal_open"


class NothingToRenew(Conflict):
    """The app's role was never published, so there is nothing to renew."""

    code = "nothing_to_renew"


class TooManyTesters(Invalid):
    """More testers than one app may have."""

    code = "too_many_testers"
    field = "devices"


class TrialUnknown(NotFound):
    """No such trial version, or the caller is no tester of the app."""

    code = "trial_unknown"
