//! How large a program is: its file, and what of it is code or is loaded at all.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, SectionKind};
use serde::Serialize;

/// Bytes of a program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Size {
    /// The file, with its symbols and what a debugger reads.
    pub file: f64,
    /// What is mapped into memory: code, constants and variables.
    pub loaded: f64,
    /// Code alone.
    pub code: f64,
}

impl Size {
    pub fn of(program: &Path) -> Result<Size> {
        let data = fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
        let parsed = object::File::parse(&*data).with_context(|| format!("{} is no program", program.display()))?;
        let mut size = Size { file: data.len() as f64, loaded: 0.0, code: 0.0 };
        for section in parsed.sections() {
            let bytes = section.size() as f64;
            match section.kind() {
                SectionKind::Text => {
                    size.code += bytes;
                    size.loaded += bytes;
                }
                SectionKind::Data
                | SectionKind::ReadOnlyData
                | SectionKind::ReadOnlyDataWithRel
                | SectionKind::ReadOnlyString
                | SectionKind::UninitializedData
                | SectionKind::Tls
                | SectionKind::UninitializedTls => size.loaded += bytes,
                // `.init_array`, unwinding tables and the like are loaded where they have an address.
                _ if section.address() != 0 => size.loaded += bytes,
                _ => {}
            }
        }
        Ok(size)
    }

    /// Bytes by which one more function makes a program longer: many functions less few.
    pub fn per_function(many: Size, few: Size, functions: usize) -> Size {
        let each = |many: f64, few: f64| (many - few) / functions as f64;
        Size { file: each(many.file, few.file), loaded: each(many.loaded, few.loaded), code: each(many.code, few.code) }
    }

    pub fn less(self, other: Size) -> Size {
        Size { file: self.file - other.file, loaded: self.loaded - other.loaded, code: self.code - other.code }
    }
}
