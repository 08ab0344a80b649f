"""People that look like machines, machines that look like people, and those that are neither."""

from datetime import UTC, datetime

import pytest

from accesssync.nhi.classify import classify, context
from accesssync.nhi.verdict import Classification, Subject

NOW = datetime(2026, 7, 1, tzinfo=UTC)
USED = context(NOW, org_domains=["acme.example"])


def judged(name: str, email: str = "", handle: str = "", title: str = "") -> Classification:
    return classify(Subject(name=name, email=email, handle=handle, title=title), USED)


PEOPLE = [
    # surnames that end in or contain "bot"
    ("Ruth Abbott", "ruth.abbott@acme.example", "rabbott"),
    ("Hugo Talbot", "htalbot@acme.example", "hugotalbot"),
    ("Ines Cabot", "ines.cabot@acme.example", ""),
    ("Louis Rabot", "rabot@acme.example", "louisrabot"),
    ("Pavel Chrobot", "pchrobot@acme.example", "pchrobot"),
    ("Gaël Le Bot", "gael.le-bot@acme.example", "glebot"),
    ("Gaëlle Le Bot", "gaelle.lebot@acme.example", ""),
    ("Ebot Nkemba", "ebot.nkemba@acme.example", ""),
    ("Sipho Botha", "sipho.botha@acme.example", ""),
    ("Mina Botros", "mbotros@acme.example", ""),
    ("Aiko Kubota", "aiko.kubota@acme.example", ""),
    ("Radu Ciobotaru", "radu.ciobotaru@acme.example", ""),
    # given names that are products, and surnames that are
    ("Travis Oduya", "travis@acme.example", "travis"),
    ("Devin Marsh", "devin.marsh@acme.example", "devin"),
    ("Jules Perrault", "jules.perrault@acme.example", ""),
    ("Claude Ostrander", "claude.ostrander@acme.example", "claude-o"),
    ("Gemini Alvarez", "gemini.alvarez@acme.example", ""),
    ("Gerrit Postma", "gerrit.postma@acme.example", "gerrit"),
    ("Okta Wijaya", "okta.wijaya@acme.example", ""),
    ("Jenkins, Walter", "walter.jenkins@acme.example", ""),
    ("JENKINS Walter", "wjenkins@acme.example", ""),
    ("Devin K.", "devink@acme.example", ""),
    ("Root, Amelia", "amelia.root@acme.example", ""),
    ("van der Bot, Piet", "piet.vanderbot@acme.example", ""),
    ("Bot, Piet", "piet.bot@acme.example", ""),
    ("Petra Jenkins", "petra.jenkins@acme.example", "pjenkins"),
    ("Ai Morikawa", "ai.morikawa@acme.example", ""),
    ("Lena Slack", "lena.slack@acme.example", ""),
    ("Khin Swe", "khin.swe@acme.example", ""),
    # surnames that are words of systems
    ("Norah Root", "norah.root@acme.example", "root"),
    ("Glenn Service", "glenn.service@acme.example", ""),
    ("Wen Deng", "wen.deng@acme.example", ""),
    ("Mei Feng", "mei.feng@acme.example", ""),
    # only a part of a word
    ("Ravi Deployan", "ravi.deployan@acme.example", ""),
    ("Luc Cibot", "luc.cibot@acme.example", "lcibot"),
    ("Jan Svcek", "jan.svcek@acme.example", "svcek"),
    # role addresses on a domain of one's own
    ("Marta Quist", "info@quist.example", ""),
    ("Marta Quist", "admin@quist.example", ""),
    ("Marta Quist", "hello@quist.example", ""),
    ("Marta Quist", "github@quist.example", ""),
    ("Marta Quist", "root@quist.example", ""),
    # a firm whose name is a word of machines
    ("Lena Vogt", "lena.vogt@cleaningbot.example", ""),
    ("Lena Vogt", "lena.vogt@vogt-robotics.example", ""),
    ("lena.vogt@ci-automation.example", "lena.vogt@ci-automation.example", ""),
    ("Lena Vogt", "lena.vogt+github@acme.example", ""),
    # logins of hobbyists, and suffixes
    ("Matt Ferris", "matt.ferris@acme.example", "mattbot"),
    ("Ida Holm", "ida@holm.example", "ida-bot"),
    ("Kim Oduya", "kim@oduya.example", "kim-dev"),
    ("Ana Prieto", "ana@prieto.example", "ana-ops"),
    ("Lee Marsh", "lee@marsh.example", "lee-security"),
    # one name, department tags, and letters other than Latin
    ("Suharto", "suharto@acme.example", ""),
    ("Dana Feng (Infra)", "dana.feng@acme.example", ""),
    ("Ito, Rui | Rui | OPS", "rui.ito@acme.example", ""),
    ("陈晓燕", "chen.xiaoyan@acme.example", "xiaoyan-ops"),
    ("小野寺 翔", "sho@acme.example", ""),
    ("김지훈", "jihoon@acme.example", ""),
    ("Анна Роботова", "anna.robotova@acme.example", "arobot"),
    ("ليلى حداد", "layla.haddad@acme.example", ""),
    ("नेहा शर्मा", "neha.sharma@acme.example", ""),
    ("สมชาย ศรีสุข", "somchai@acme.example", ""),
    ("Иван Робот", "ivan.robot@acme.example", ""),
    ("Anna Falco", "anna.falco@acme.example", ""),
    ("Thanos Papadakis", "thanos.papadakis@acme.example", ""),
    ("Lea Technik", "lea.technik@acme.example", ""),
    ("Peter Kube", "peter.kube@acme.example", ""),
    ("Jan van Erp", "jan.vanerp@acme.example", ""),
    ("Ali Nagios", "ali.nagios@acme.example", ""),
    ("", "", "keyserling"),
    ("", "", "testamentum"),
]


@pytest.mark.parametrize(("name", "email", "handle"), PEOPLE)
def test_a_person_that_looks_like_a_machine_is_not_flagged(name: str, email: str, handle: str) -> None:
    found = judged(name, email, handle)
    assert found.label in {"human", "unknown"}, found.signals


@pytest.mark.parametrize("title", ["Automation Engineer", "Bot Developer", "Service Manager", "CI/CD Robot Wrangler"])
def test_a_title_never_adds_points(title: str) -> None:
    with_title, without = judged("Ida Holm", "ida@acme.example", "", title), judged("Ida Holm", "ida@acme.example")
    assert with_title.score <= without.score


@pytest.mark.parametrize("name", ["root", "ubuntu", "vagrant", "unknown", "User", "Admin", "Claude", "Devin", "Travis"])
def test_an_ambiguous_single_word_is_never_called_a_machine(name: str) -> None:
    assert judged(name, f"{name.lower()}@somewhere.example").label != "nhi"


@pytest.mark.parametrize("name", ["Martin Bot", "Martin K Bot", "Thomas Bot", "Chad Terraform", "Will Teamcity"])
def test_a_given_name_before_a_machines_word_leaves_the_decision_to_people(name: str) -> None:
    assert judged(name, f"{name.lower().replace(' ', '.')}@acme.example").label == "review"


MACHINES = [
    ("Jenkins", "jenkins@acme.example", "", "ci"),
    ("Travis CI Account", "travis@acme.example", "", "ci"),
    ("GitLab Runner", "gitlab-runner@acme.example", "", "ci"),
    ("ci-ledger", "ci-ledger@acme.example", "", "ci"),
    ("Terraform", "terraform@acme.example", "", "iac"),
    ("Pulumi ledger", "pulumi-ledger@acme.example", "", "iac"),
    ("Renovate", "renovate@acme.example", "", "integration"),
    ("Nightly Backup Bot", "backup@acme.example", "", "automation"),
    ("", "", "ledger-release-bot", "ci"),
    ("IT Helpdesk", "ithelpdesk@acme.example", "", "shared_mailbox"),
    ("Vault", "vault@acme.example", "", "integration"),
    ("PagerDuty", "pagerduty@acme.example", "", "integration"),
    ("Support", "support@acme.example", "", "shared_mailbox"),
    ("", "dl_ledger@acme.example", "", "shared_mailbox"),
    ("Ledger on-call", "oncall-ledger@acme.example", "", "shared_mailbox"),
    ("Claude Code", "claude-code@acme.example", "", "ai_agent"),
    ("Devin AI", "devin-ai@acme.example", "", "ai_agent"),
    ("Test Test", "test.user@acme.example", "", "synthetic"),
    ("Break Glass prod", "breakglass-prod@acme.example", "", "break_glass"),
    ("anything", "x@project.iam.gserviceaccount.com", "", "automation"),
    ("no reply", "noreply@acme.example", "", "automation"),
    ("", "buildserver@acme.example", "", "ci"),
    ("nightlybuilderci", "", "", "ci"),
    ("", "", "ledgerbot-emea", "automation"),
    ("Synchronisation Schnittstelle", "sync@acme.example", "", "automation"),
    ("b\u200bo\u200bt", "\uff42\uff4f\uff54@acme.example", "", "automation"),
]


@pytest.mark.parametrize(("name", "email", "handle", "kind"), MACHINES)
def test_a_machine_is_flagged_with_its_kind(name: str, email: str, handle: str, kind: str) -> None:
    found = judged(name, email, handle)
    assert found.label in {"nhi", "review"}, found.signals
    assert found.kind == kind, found.signals


def test_the_word_is_found_whatever_joins_it() -> None:
    for handle in ("ledger-bot", "ledger_bot", "ledger.bot", "LedgerBot", "ledger7bot", "bot2ledger", "LEDGER-BOT"):
        assert judged("", "", handle).label in {"nhi", "review"}, handle


def test_nothing_to_go_by_is_unknown() -> None:
    assert judged("", "", "").label == "unknown"
    assert judged("", "qzx7@acme.example", "").label == "unknown"
