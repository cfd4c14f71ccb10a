"""A mesh whose services only documents know: what they say of it is how it is."""

from __future__ import annotations

from reconciler.model.facts import MeshFacts
from tests.compile.builders import cluster_facts, codes, given, toy

FOUND = MeshFacts("toy", "", "1.0", trust_domain="cluster.local", declared=True)
FACTS = {"eu": cluster_facts(meshes=(FOUND,))}


def test_its_trust_domain_and_aliases_are_those_of_its_document() -> None:
    said = {"trust_domain": "eu.example", "trust_domain_aliases": ("old.example",)}
    repository = given(facts=FACTS, adapter=toy(default_mesh=FOUND), mesh=said)
    mesh = repository.intent().mesh
    assert (mesh.trust_domain, mesh.trust_domain_aliases) == ("eu.example", ("old.example",))
    assert not {"trust-domain-differs", "trust-domain-aliases-differ"} & set(codes(repository.compiled()))


def test_its_trust_domain_is_the_usual_one_where_the_document_says_nothing() -> None:
    mesh = given(facts=FACTS, adapter=toy(default_mesh=FOUND)).intent().mesh
    assert (mesh.trust_domain, mesh.trust_domain_aliases) == ("cluster.local", ())


def test_it_needs_a_folder_of_proxies() -> None:
    compiled = given(facts=FACTS, adapter=toy(default_mesh=FOUND), unfit=True).compiled()
    assert codes(compiled) == ["connection-unfit"]
    assert compiled.objects == {}
