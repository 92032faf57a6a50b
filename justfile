# Recipes; CI runs .ci/run. `just` is a convenience: each line works without it.

# All tests; sets up what is missing.
test *arguments:
    tests/run {{arguments}}

# Format, and what clippy says.
lint:
    cargo fmt --check
    cargo clippy --workspace
    cargo clippy --workspace --all-targets -- -A clippy::unwrap_used

fmt:
    cargo fmt

# The playbook of the README.
demo *arguments:
    playbooks/run {{arguments}}

# End-to-end cases whose path holds a word.
case word:
    FTL_CASE={{word}} tests/run -p ftl-tests --test e2e

# What the real ansible-playbook prints for these cases, as their expectation.
record word="":
    eval "$(tests/run --set-up)" && tests/record {{word}}

# Everything, as CI does it.
ci:
    .ci/run
