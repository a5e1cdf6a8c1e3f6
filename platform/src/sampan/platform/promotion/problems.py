"""What promotion refuses. Each names what is missing in this workspace, which is the one promoted to."""

from sampan.platform.errors import Conflict, Invalid


class NothingToPromote(Invalid):
    """The request holds neither a switch nor a saved audience."""

    code = "nothing_to_promote"


class PromotionTagsMissing(Conflict):
    """Rules name tags that this workspace does not have; `tags` lists them."""

    code = "promotion_tags_missing"


class PromotionAudiencesMissing(Conflict):
    """Rules name saved audiences that this workspace does not have and that do not come along; `names` lists them."""

    code = "promotion_audiences_missing"


class PromotionAmbiguousName(Conflict):
    """Two saved audiences of this workspace have the name, so nobody can tell which of them is meant."""

    code = "promotion_ambiguous_name"


class PromotionCircle(Invalid):
    """Saved audiences of the promotion contain each other; `names` lists those of the circle."""

    code = "promotion_circle"
    field = "audiences"


class PromotionClientAppsMissing(Conflict):
    """Rules name client apps that this workspace does not have; `client_apps` lists them."""

    code = "promotion_client_apps_missing"


class PromotionIdsInRule(Conflict):
    """Rules list single customers or devices, whose ids mean nothing in another workspace."""

    code = "promotion_ids_in_rule"


class PromotionTargetMoved(Conflict):
    """What is to be replaced here was changed since you looked."""

    code = "promotion_target_moved"
