"""What is refused here. A refused rule names the place in the fact `at`, such as `rule.all[0].values[2]`."""

from sampan.platform.errors import Conflict, Invalid, NotFound, TooLarge, TooMany


class BadRule(Invalid):
    """The rule has not the form of one: `all`, `any`, `not`, or `attr`, `op` and `values`."""

    code = "bad_rule"
    field = "audience"


class RuleTooLarge(BadRule):
    """The rule is nested too deep, or has too many parts or values."""

    code = "rule_too_large"


class RuleAttributeUnknown(BadRule):
    """The rule looks at an attribute that does not exist."""

    code = "rule_attribute_unknown"


class RuleOperatorUnknown(BadRule):
    """The rule uses an operator that does not exist, or not for this attribute."""

    code = "rule_operator_unknown"


class RuleValueInvalid(BadRule):
    """A value of the rule is not one of its attribute, or there are too few or too many."""

    code = "rule_value_invalid"


class RuleTagUnknown(BadRule):
    """The rule names a tag that the workspace does not have."""

    code = "rule_tag_unknown"


class RuleAudienceUnknown(BadRule):
    """The rule names a saved audience that the workspace does not have, or that would contain itself."""

    code = "rule_audience_unknown"


class RuleCustomerErased(BadRule):
    """The rule lists a customer who was erased; take the id out of it."""

    code = "rule_customer_erased"


class TagUnknown(NotFound):
    """No tag of this name in this workspace."""

    code = "tag_unknown"
    field = "tag"


class TagTaken(Conflict):
    """There is a tag of this name already."""

    code = "tag_taken"
    field = "name"


class BadTag(Invalid):
    """The name of the tag has another form, or its title none."""

    code = "bad_tag"
    field = "name"


class InUse(Conflict):
    """Rules that are saved or in force name it; `used_by` in the facts says which."""

    code = "audience_in_use"


class TooManyTags(Conflict):
    """The workspace has as many tags as it may have."""

    code = "too_many_tags"


class MemberUnknown(Invalid):
    """Some of the ids are not those of customers or devices of this workspace; nothing was changed."""

    code = "member_unknown"


class BadTagImport(Invalid):
    """The file has no first line that names one column of ids: customer, bank_reference or device."""

    code = "bad_tag_import"


class TagImportTooLarge(TooLarge):
    """The file is larger than an import may be; split it."""

    code = "tag_import_too_large"


class TooManyTagImports(Conflict):
    """As many files as may wait to be read are waiting; send the next when they are done."""

    code = "too_many_tag_imports"


class TagImportUnknown(NotFound):
    """No import of this id into this tag."""

    code = "tag_import_unknown"


class AudienceMoved(Conflict):
    """Somebody changed the saved audience since you read it; `edition` is the present one."""

    code = "audience_moved"


class AudienceUnknown(NotFound):
    """No saved audience of this id in this workspace."""

    code = "audience_unknown"


class BadAudience(Invalid):
    """The name or the note of a saved audience has another form."""

    code = "bad_audience"
    field = "name"


class SubjectUnknown(NotFound):
    """No device or customer of this id in this workspace."""

    code = "subject_unknown"


class ExplainLimit(TooMany):
    """One person asks for more explanations and estimates than a person reads."""

    code = "explain_limit"
