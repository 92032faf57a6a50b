//! JMESPath as Python's `jmespath` library evaluates it: dicts keep their order, numbers are Python's.

mod evaluate;
mod function;
mod lexer;
mod parser;

use ftl_core::Value;

/// Evaluates an expression; the error is the library's message.
pub(crate) fn search(expression: &str, data: &Value) -> Result<Value, String> {
    let tree = parser::parse(expression)?;
    evaluate::evaluate(&tree, data)
}

#[cfg(test)]
mod tests {
    use super::search;
    use crate::filter::json_text::parse_json;
    use ftl_core::value::to_json;

    #[test]
    fn as_the_library_answers() {
        let data = r#"{"z": {"n": 1}, "a": {"n": 2}, "l": [{"k": "x", "v": 3}, {"k": "y", "v": 1}, {"w": null}],
            "nested": [[1, 2], [3, [4]]], "s": "text", "b-c": true}"#;
        let data = parse_json(data).unwrap();
        for (expression, expected) in [
            ("z.n", "1"),
            ("*.n", "[1, 2]"),
            ("l[*].k", r#"["x", "y"]"#),
            ("l[0]", r#"{"k": "x", "v": 3}"#),
            ("l[-1]", r#"{"w": null}"#),
            ("l[:2].v", "[3, 1]"),
            ("l[::-1].k", r#"["y", "x"]"#),
            ("l[?v > `1`].k | [0]", r#""x""#),
            ("l[?k == 'y'].v", "[1]"),
            ("l[?k=='x' || v==`1`].k", r#"["x", "y"]"#),
            ("nested[]", "[1, 2, 3, [4]]"),
            ("nested[][]", "[1, 2, 3, 4]"),
            ("{b: s, a: z.n}", r#"{"b": "text", "a": 1}"#),
            ("[s, z.n]", r#"["text", 1]"#),
            ("\"b-c\"", "true"),
            ("length(l)", "3"),
            ("keys(z)", r#"["n"]"#),
            ("sort_by(l[?v], &v)[*].k", r#"["y", "x"]"#),
            ("max_by(l[?v], &v).k", r#""x""#),
            ("join(', ', l[*].k)", r#""x, y""#),
            ("contains(s, 'ex')", "true"),
            ("to_number('2.5')", "2.5"),
            ("to_string(z)", r#""{\"n\":1}""#),
            ("not_null(nothing, s)", r#""text""#),
            ("map(&v, l)", "[3, 1, null]"),
            ("!s", "false"),
            ("missing.x[0]", "null"),
            ("type(`null`)", r#""null""#),
            ("sum(l[*].v)", "4"),
            ("avg(l[*].v)", "2.0"),
            ("@.s", r#""text""#),
            ("reverse(s)", r#""txet""#),
        ] {
            assert_eq!(search(expression, &data).map(|v| to_json(&v)), Ok(expected.into()), "{expression}");
        }
        for (expression, expected) in [
            ("foo(", "Incomplete"),
            ("nofunc(s)", "Unknown function: nofunc()"),
            ("length(`1`)", "In function length(), invalid type for value: 1"),
            ("length(s, s)", "Expected 1 argument for function length(), received 2"),
            ("", "cannot be empty"),
        ] {
            let error = search(expression, &data).unwrap_err();
            assert!(error.contains(expected), "{expression}: {error}");
        }
    }
}
