"""Records in the forms that DNS takes them. To add one: a function, and a line in `FORMATS`."""

import csv
import json
import re
from collections.abc import Callable, Sequence

from ses_tenant.core.identity.records import DnsRecord, Purpose, RecordType, txt_text

Records = Sequence[DnsRecord]


def zone(records: Records) -> str:
    """Return lines that the file of any zone can $INCLUDE (RFC 1035 §5): every name is absolute."""
    lines = []
    for record in records:
        lines += [
            f"; {record.purpose.why}{'' if record.required else ' (recommended)'}",
            f"{record.name}. {record.ttl} IN {record.type} {record.value}",
        ]
    return _lines(lines)


def route53(records: Records) -> str:
    """Return a change batch for `aws route53 change-resource-record-sets --change-batch`.

    CREATE, so that Route 53 refuses the whole of it where a record exists already.
    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
    """
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"{record.name}.",
                "Type": record.type.value,
                "TTL": record.ttl,
                "ResourceRecords": [{"Value": record.value}],
            },
        }
        for record in records
    ]
    return json.dumps({"Comment": "Amazon SES", "Changes": changes}, indent=2) + "\n"


def cloudflare(records: Records) -> str:
    """Return a file for Cloudflare's import of records, which keeps them "DNS only".

    https://developers.cloudflare.com/dns/manage-dns-records/how-to/import-and-export/
    """
    return _lines(
        [
            f"{record.name}. {record.ttl} IN {record.type} {record.value}"
            + (" ; cf_tags=cf-proxied:false" if record.type is RecordType.CNAME else "")
            for record in records
        ]
    )


def terraform(records: Records) -> str:
    """Return resources of Terraform's aws provider, in the hosted zone `var.zone_id`.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/route53_record
    """
    blocks = ['variable "zone_id" {\n  type = string\n}\n']
    labels: dict[str, int] = {}
    for record in records:
        label = re.sub(r"[^a-z0-9_]", "_", f"{record.purpose.value}_{record.name}")
        labels[label] = labels.get(label, 0) + 1
        number = f"_{labels[label]}" if labels[label] > 1 else ""
        blocks.append(
            f'resource "aws_route53_record" "{label}{number}" {{\n'
            f"  zone_id = var.zone_id\n"
            f"  name    = {_hcl(record.name)}\n"
            f"  type    = {_hcl(record.type.value)}\n"
            f"  ttl     = {record.ttl}\n"
            f"  records = [{_hcl(_terraform_value(record))}]\n"
            "}\n"
        )
    return "\n".join(blocks)


def octodns(records: Records) -> str:
    """Return octoDNS's YAML, with names relative to the identity's domain.

    octoDNS refuses keys that are not in its order: numbers within them count as numbers.
    https://octodns.readthedocs.io/en/latest/records.html
    """
    origin = _origin(records)
    names: dict[str, list[dict[str, object]]] = {}
    for record in records:
        relative = record.name.removesuffix(origin).removesuffix(".")
        names.setdefault(relative, []).append(_octodns_record(record))
    lines = ["---", f"# the zone {origin}."]
    for name in sorted(names, key=_natural):
        lines.append(f"{json.dumps(name)}:")
        lines += [
            ("  - " if number == 0 else "    ") + line
            for entry in names[name]
            for number, line in enumerate(_yaml_map(entry))
        ]
    return _lines(lines)


def table_csv(records: Records) -> str:
    """Return comma-separated values, with a head line."""
    written = _Text()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("name", "type", "value", "ttl", "purpose", "required", "region"))
    rows.writerows(
        (
            *(record.name, record.type.value, record.value, record.ttl, record.purpose.value),
            *(str(record.required).lower(), record.region or ""),
        )
        for record in records
    )
    return "".join(written)


class _Text(list[str]):
    """What a csv.writer writes to, in memory."""

    def write(self, text: str) -> None:
        """Add a piece."""
        self.append(text)


FORMATS: dict[str, Callable[[Records], str]] = {
    "zone": zone,
    "route53": route53,
    "cloudflare": cloudflare,
    "terraform": terraform,
    "octodns": octodns,
    "csv": table_csv,
}


def _origin(records: Records) -> str:
    """Return the domain that all the names are below: what stands behind a record's own labels."""
    dmarc = next((r.name for r in records if r.purpose is Purpose.DMARC), None)
    if dmarc is not None:
        return dmarc.removeprefix("_dmarc.")
    return records[0].name.partition("._domainkey.")[2] or records[0].name


def _octodns_record(record: DnsRecord) -> dict[str, object]:
    entry: dict[str, object] = {"ttl": record.ttl, "type": record.type.value}
    match record.type:
        case RecordType.CNAME:
            entry["value"] = record.value
        case RecordType.MX:
            preference, _, host = record.value.partition(" ")
            entry["value"] = {"exchange": host, "preference": int(preference)}
        case RecordType.TXT:
            # octoDNS wants a semicolon escaped, and splits long texts itself.
            entry["value"] = txt_text(record.value).replace(";", "\\;")
    return entry


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _yaml_map(entry: dict[str, object]) -> list[str]:
    """Return a map in YAML; JSON's texts, numbers and maps are YAML as well."""
    return [f"{key}: {json.dumps(value)}" for key, value in entry.items()]


def _terraform_value(record: DnsRecord) -> str:
    # The provider adds the quotes around a TXT record itself.
    return txt_text(record.value) if record.type is RecordType.TXT else record.value


def _hcl(text: str) -> str:
    """Return a text as HCL writes it, without template sequences."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
