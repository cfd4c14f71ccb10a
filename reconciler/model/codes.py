"""Every finding code and what it means. docs/findings.md is generated from here; a test checks that each is used."""

CODES: dict[str, str] = {
    # load: what was written in Git
    # compile: what policies ask of a mesh
    # adapters: what a mesh makes of it
    # plan and apply: what the clusters say
    # sources: what Git says
}
