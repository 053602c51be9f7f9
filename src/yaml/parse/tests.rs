use proptest::prelude::*;

use super::*;
use crate::yaml::Entry;

fn read(text: &str) -> Vec<Document> {
    documents(&"f.yaml".into(), text)
}

fn member<'a>(node: &'a Node, key: &str) -> &'a Entry {
    let Value::Mapping(entries) = &node.value else { panic!("no mapping") };
    entries.iter().find(|entry| entry.key == key).unwrap()
}

#[test]
fn every_node_knows_its_line_and_column() {
    let documents = read("# comment\na: 1\nb:\n  - x\n  - {c: true}\n---\nd: text\n");
    let [first, second] = &documents[..] else { panic!("two documents") };
    let first = first.content.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(member(first, "a").place.to_string(), "f.yaml:2:1");
    assert_eq!(member(first, "a").node.place.to_string(), "f.yaml:2:4");
    let Value::Sequence(list) = &member(first, "b").node.value else { panic!("no list") };
    assert_eq!(list[0].place.to_string(), "f.yaml:4:5");
    assert_eq!(member(&list[1], "c").node.place.to_string(), "f.yaml:5:9");
    assert_eq!(second.place.to_string(), "f.yaml:6:1");
    let second = second.content.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(member(second, "d").node.place.to_string(), "f.yaml:7:4");
}

#[test]
fn one_document_that_is_no_yaml_leaves_the_others_alone() {
    let documents = read("a: 1\n---\nb: [1\nc: 2\n--- \nd: 3\n");
    assert_eq!(documents.len(), 3);
    assert!(documents[0].content.is_ok());
    let fault = documents[1].content.as_ref().unwrap_err();
    assert_eq!(fault.code, Code::YamlSyntax);
    assert!((3..=5).contains(&fault.place.line), "{fault}");
    let last = documents[2].content.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(member(last, "d").node.value, Value::Integer(3));
}

#[test]
fn a_key_that_stands_twice_is_a_fault() {
    let documents = read("a: 1\nb: 2\na: 3\n");
    let fault = documents[0].content.as_ref().unwrap_err();
    assert_eq!(fault.place.line, 3, "{fault}");
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    for (text, value) in [
        ("true", Value::Boolean(true)),
        ("yes", Value::Text("yes".into())),
        ("0123", Value::Text("0123".into())),
        ("12", Value::Integer(12)),
        ("-1", Value::Integer(-1)),
        ("1.5", Value::Float(1.5)),
        ("'12'", Value::Text("12".into())),
        ("[]", Value::Sequence(Vec::new())),
    ] {
        let node = fragment(&"variable".into(), text).unwrap().unwrap();
        assert_eq!(node.value, value, "{text}");
        assert_eq!(node.place.to_string(), "variable");
    }
}

#[test]
fn empty_documents_are_nothing() {
    for text in ["", "\n", "---\n", "# only a comment\n", "---\n---\n", "~"] {
        assert!(read(text).is_empty(), "{text:?}");
    }
}

#[test]
fn aliases_cannot_grow_without_end() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(read(&text)[0].content.is_err());
}

/// On a stack as small as those of the threads that read documents, in debug builds too.
#[test]
fn what_lies_too_deep_is_a_fault_and_never_overflows_the_stack() {
    let repeat = |part: &str| part.repeat(64);
    let block: String = (0..64).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let mut aliased = "a0: &a0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n".to_owned();
    for level in 1..4 {
        aliased += &format!("a{level}: &a{level} [[[[[[[[*a{}]]]]]]]]\n", level - 1);
    }
    let texts = [repeat("{a: "), repeat("["), repeat("- "), repeat("? "), block, aliased];
    let read_all = move || {
        for text in texts {
            let documents = read(&format!("{text}\n---\nb: 1\n"));
            let fault = documents[0].content.as_ref().unwrap_err();
            assert_eq!(fault.code, Code::YamlSyntax, "{text}");
            assert!(documents[1].content.is_ok(), "{text}");
        }
        let levels = |number| "{a: ".repeat(number) + "1" + &"}".repeat(number);
        assert!(read(&levels(MOST_LEVELS))[0].content.is_ok());
        let deeper = read(&levels(MOST_LEVELS + 1));
        let fault = deeper[0].content.as_ref().unwrap_err();
        assert!(fault.message.contains("32 levels"), "{fault}");
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read_all);
    thread.unwrap().join().unwrap();
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9:\\[\\]{}&*#|>'\"\n \t,-]{0,80}") {
        read(&text);
    }
}
