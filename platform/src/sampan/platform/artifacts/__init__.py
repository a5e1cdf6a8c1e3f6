"""The life cycle of any signed thing: quarantine, intake, checks, review, publication. Components add the kinds."""
