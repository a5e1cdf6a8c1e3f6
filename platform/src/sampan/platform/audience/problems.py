"""What a rule can be refused for. Each names the place in the fact `at`, such as `rule.all[0].values[2]`."""

from sampan.platform.errors import Invalid


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
