//! Names of files: one for each name of a breaker, and no two alike, also where upper and lower case are one.

use std::fmt::Write as _;

use crate::sum::Sum;

/// File systems take 255 bytes; a name is followed by a few more.
const LONGEST: usize = 200;
/// A longer name, as breakers of keys may have, shows a part and a sum.
const LONGEST_IN_FULL: usize = 128;
const SHOWN: usize = 100;
const DIGITS: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

/// A name as a file may have it. The real one stands in the file.
pub(super) fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => escaped.push(byte as char),
            _ => {
                let _ = write!(escaped, "%{byte:02x}");
            }
        }
    }
    if name.is_empty() {
        // Else it would be the folder itself.
        return "%".to_owned();
    }
    if escaped.len() <= LONGEST {
        return escaped;
    }
    if name.len() <= LONGEST_IN_FULL {
        return format!("~{}", in_32_digits(name.as_bytes()));
    }
    format!("~{}~{}", in_32_digits(&name.as_bytes()[..SHOWN]), Sum::of(name.as_bytes()))
}

/// Five bits a digit, so that 128 bytes fit into the name of a file.
fn in_32_digits(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let digit = |at: usize| DIGITS[(at..at + 5).fold(0, |digit, at| digit << 1 | bit(at) as usize)];
    (0..bytes.len() * 8).step_by(5).map(|at| digit(at) as char).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::escaped;

    #[test]
    fn no_two_names_are_one_file_and_each_fits_a_file_system() {
        let many = [b'a', b'A', b'%', b'~', 0xc3];
        let long = |of: &str, length: usize| of.repeat(length / of.len());
        let mut names: Vec<String> = vec![String::new(), "con".into(), "..".into(), "a/b".into(), "a%2fb".into()];
        names.extend(
            many.iter()
                .flat_map(|byte| many.map(|other| [*byte, other]))
                .filter_map(|two| String::from_utf8(two.to_vec()).ok()),
        );
        for length in [100, 126, 128] {
            for of in ["é", "A", "::", "界", "x"] {
                // They differ in their last letters.
                names.extend(["", "a", "A", "b"].map(|end| format!("{}{end}", long(of, length - end.len()))));
            }
        }
        names.extend([long("é", 600), long("é", 602), long("a", 5000)]);
        names.sort();
        names.dedup();
        let files: HashSet<String> = names.iter().map(|name| escaped(name).to_uppercase()).collect();
        assert_eq!(files.len(), names.len());
        assert!(files.iter().all(|file| file.len() <= 220), "{files:?}");
        assert!(files.iter().all(|file| !file.contains(['/', '.', '\\'])));
    }
}
