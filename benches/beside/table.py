"""Results, a line of JSON each, as one table of Markdown."""
import json, sys

HEAD = "server | sign-in | a second | p50 | p99 | CPU each | CPU of the database | memory | of the database"


def number(value, unit):
    if value is None:
        return "in the server"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.2g} {unit}" if value < 10 else f"{value:.0f} {unit}"


def row(one):
    cells = [one["server"], one["what"], number(one["per_second"], "").strip(), number(one["p50_ms"], "ms"),
             number(one["p99_ms"], "ms"), number(one["cpu_ms"], "ms"), number(one["database_cpu_ms"], "ms"),
             number(one["memory_mib"], "MiB"), number(one["database_memory_mib"], "MiB")]
    return f"| {' | '.join(cells)} |"


with open(sys.argv[1]) as file:
    results = [json.loads(line) for line in file]
print(f"| {HEAD} |\n|{' --- |' * len(HEAD.split('|'))}")
for one in sorted(results, key=lambda one: one["what"]):
    print(row(one))
for one in results:
    print(f"{one['server']}, {one['what']}: {one['logins']} sign-ins in {one['seconds']:.1f} s"
          + (f", failed: {one['failed']}" if one["failed"] else ""), file=sys.stderr)
