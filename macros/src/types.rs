//! Types as they must be written inside of the body: `impl Trait` cannot be named there and becomes
//! `_`. Says too how a parameter is passed on, as far as its type shows it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

/// How a value of a type can be had twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// `&T`: copied.
    Shared,
    /// `&mut T`: borrowed again.
    Mutable,
    /// Everything else: cloned.
    Owned,
}

/// The type without the groups and parentheses around it.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

pub(crate) fn passing(ty: &Type) -> Passing {
    match peel(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => Passing::Mutable,
        Type::Reference(_) => Passing::Shared,
        _ => Passing::Owned,
    }
}

/// Whether a type holds no lifetime that could be shortened: numbers, and arrays and tuples of them.
pub(crate) fn is_plain(ty: &Type) -> bool {
    const PLAIN: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
        "usize",
    ];
    match peel(ty) {
        Type::Path(path) => path.path.get_ident().is_some_and(|ident| PLAIN.iter().any(|plain| ident == plain)),
        Type::Array(array) => is_plain(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_plain),
        _ => false,
    }
}

/// The type with `_` for each `impl Trait` in it, in the user's own tokens otherwise.
pub(crate) fn nameable(ty: &Type) -> TokenStream {
    let mut ty = ty.clone();
    erase(&mut ty);
    ty.into_token_stream()
}

fn erase(ty: &mut Type) {
    match ty {
        Type::ImplTrait(_) => {
            let hole = quote_spanned!(ty.span()=> _);
            *ty = Type::Verbatim(hole);
        }
        Type::Array(array) => erase(&mut array.elem),
        Type::Group(group) => erase(&mut group.elem),
        Type::Paren(paren) => erase(&mut paren.elem),
        Type::Ptr(pointer) => erase(&mut pointer.elem),
        Type::Reference(reference) => erase(&mut reference.elem),
        Type::Slice(slice) => erase(&mut slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(erase),
        Type::Path(path) => {
            if let Some(qself) = &mut path.qself {
                erase(&mut qself.ty);
            }
            path.path.segments.iter_mut().for_each(|segment| erase_in(&mut segment.arguments));
        }
        Type::TraitObject(object) => object.bounds.iter_mut().for_each(|bound| {
            if let TypeParamBound::Trait(bound) = bound {
                bound.path.segments.iter_mut().for_each(|segment| erase_in(&mut segment.arguments));
            }
        }),
        _ => {}
    }
}

fn erase_in(arguments: &mut PathArguments) {
    match arguments {
        PathArguments::AngleBracketed(generic) => generic.args.iter_mut().for_each(|argument| match argument {
            GenericArgument::Type(ty) => erase(ty),
            GenericArgument::AssocType(bound) => erase(&mut bound.ty),
            _ => {}
        }),
        PathArguments::Parenthesized(call) => {
            call.inputs.iter_mut().for_each(|input| erase(&mut input.ty));
            if let ReturnType::Type(_, output) = &mut call.output {
                erase(output);
            }
        }
        PathArguments::None => {}
    }
}
