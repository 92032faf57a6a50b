//! Only what the operator wrote is rendered.

use std::sync::Arc;

use ftl_core::value::{Dict, List};
use ftl_core::{Map, Str, Value};
use ftl_template::{FileOptions, Renderer, Shared};

/// What a hostile host sends.
const EVIL: &str = "{{ 6 * 7 }}";

fn renderer() -> Renderer {
    let mut map = Map::new();
    map.insert("evil", Value::str(EVIL));
    map.insert("evil_list", Value::List(List::loaded(vec![Value::str(EVIL)])));
    let entries: Map = [(EVIL, Value::str(EVIL))].into_iter().collect();
    map.insert("evil_dict", Value::Dict(Dict::loaded(entries)));
    map.insert("indirect", Value::Str(Str::trusted("{{ evil }}", None)));
    map.insert("parts", Value::Str(Str::trusted("{", None)));
    map.insert("condition", Value::str("1 == 1"));
    Renderer::new(Arc::new(map), Arc::new(Shared::default()))
}

#[test]
fn data_is_never_rendered() {
    for text in [
        "{{ evil }}",
        "{{ indirect }}",
        "{{ evil_list[0] }}",
        "{{ evil_list | first }}",
        "{{ evil_dict.values() | first }}",
        "{{ evil_dict.keys() | first }}",
        "{{ evil_dict | dict2items | map(attribute='value') | first }}",
        "{{ lookup('vars', 'evil') }}",
        "{{ evil ~ '' }}",
        "{{ '%s' % evil }}",
        "{{ '{}'.format(evil) }}",
        "{{ evil | string }}",
        "{{ evil | replace('zz', '') }}",
        "{{ [evil] | join }}",
        "{{ evil | b64encode | b64decode }}",
        "{{ evil.encode().decode() }}",
        "{{ evil | to_json | from_json }}",
        "{{ evil[:2] ~ evil[2:] }}",
        "{{ parts ~ parts ~ ' 6 * 7 }}' }}",
        "{% set x %}{{ evil }}{% endset %}{{ x }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(evil) }}",
        "{% set x = [] %}{% set _ = x.append(evil) %}{{ x[0] }}",
        "{{ evil | regex_replace('^', '') }}",
        "{{ query('list', evil) | first }}",
    ] {
        let found = renderer().render_str(&Str::trusted(text, None)).expect(text);
        assert_eq!(found, Value::str(EVIL), "{text}");
        let Value::Str(found) = found else { continue };
        assert!(!found.is_template(), "{text} gave a template");
    }
}

#[test]
fn data_is_no_template() {
    let renderer = renderer();
    let plain = Str::plain(EVIL);
    assert_eq!(renderer.render_str(&plain).expect("text"), Value::str(EVIL));
    assert_eq!(
        renderer.render(&Value::list(vec![Value::str(EVIL)])).expect("list"),
        Value::list(vec![Value::str(EVIL)])
    );
    assert_eq!(renderer.render_file(&plain, &FileOptions::default()).expect("text"), EVIL);
    for condition in ["condition", "{{ condition }}", "evil"] {
        let condition = Value::Str(Str::trusted(condition, None));
        assert!(renderer.condition(&condition).is_err(), "{condition:?}");
    }
    assert!(renderer.condition(&Value::str("1 == 1")).is_err());
    assert!(renderer.evaluate(&Str::plain("1 == 1")).is_err());
}

#[test]
fn the_sandbox_holds() {
    for text in [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ [].__class__.__base__.__subclasses__() }}",
        "{{ lookup.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ '{0.__class__}'.format('') }}",
        "{{ [''] | map(attribute='__class__') | first }}",
        "{{ dict.mro() }}",
        "{{ self.__init__ }}",
        "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
        "{{ namespace.__init__ }}",
    ] {
        assert!(renderer().render_str(&Str::trusted(text, None)).is_err(), "{text}");
    }
}

/// What a template changes in place is seen by that template alone.
#[test]
fn changes_stay_inside_a_template() {
    let mut map = Map::new();
    map.insert("l", Value::List(List::loaded(vec![Value::Int(1)])));
    map.insert("made", Value::Str(Str::trusted("{{ [1, [2]] }}", None)));
    let renderer = Renderer::new(Arc::new(map), Arc::new(Shared::default()));
    for (text, expected) in [
        ("{% set _ = l.append(2) %}{{ l | length }}", 2),
        ("{{ l | length }}", 1),
        ("{{ made | length }}", 2),
        ("{% set _ = made.append(2) %}{{ made | length }}", 3),
        ("{% set _ = made[1].append(2) %}{{ made[1] | length }}", 2),
        ("{{ made | length }}", 2),
        ("{{ made[1] | length }}", 1),
    ] {
        assert_eq!(renderer.render_str(&Str::trusted(text, None)).expect(text), Value::Int(expected), "{text}");
    }
}
