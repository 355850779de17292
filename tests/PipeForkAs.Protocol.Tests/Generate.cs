using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace PipeForkAs.Protocol.Tests;

/// <summary>Random values for properties.</summary>
internal static class Generate
{
    private const string NameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    /// <summary>Any Unicode, including NUL and characters beyond 16 bits.</summary>
    public static Gen<string> Text { get; } =
        from runes in Gen.OneOf(
            Gen.Choose(0, 0x7F), Gen.Choose(0x80, 0xD7FF), Gen.Choose(0xE000, 0xFFFF), Gen.Choose(0x10000, 0x10FFFF)).ListOf()
        select string.Concat(runes.Select(value => new Rune(value)));

    public static Gen<string> TextWithoutNul { get; } = Text.Select(text => text.Replace("\0", "", StringComparison.Ordinal));

    public static Gen<byte[]> Bytes { get; } = Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf();

    public static Gen<int> Int32 { get; } = Gen.OneOf(
        Gen.Choose(-3, 300), Gen.Choose(int.MinValue, int.MaxValue), Gen.Elements(int.MinValue, int.MaxValue));

    public static Gen<uint> UInt32 { get; } = Int32.Select(value => unchecked((uint)value));

    public static Gen<long> Int64 { get; } = from high in Int32 from low in Int32 select ((long)high << 32) | unchecked((uint)low);

    public static Gen<long> Positive64 { get; } = Int64.Select(value => value & long.MaxValue);

    public static Gen<bool> Bool { get; } = Gen.Elements(false, true);

    public static Gen<string> JobName { get; } = Name('-', '.').Where(Protocol.JobName.IsValid);

    public static Gen<string> VariableName { get; } = Name().Where(EnvironmentVariable.IsName);

    /// <summary>A JSON object with white space, escapes and nesting.</summary>
    public static Gen<string> JsonObject { get; } = Gen.Sized(size => Object(Math.Min(size, 4)));

    public static Gen<T?> OrNull<T>(Gen<T> values)
        where T : class => Gen.OneOf(values.Select(value => (T?)value), Gen.Constant((T?)null));

    private static Gen<List<T>> Few<T>(Gen<T> values) => Gen.Choose(0, 3).SelectMany(count => values.ListOf(count));

    private static Gen<string> Name(params char[] more) =>
        from characters in Gen.Elements([.. NameCharacters, .. more]).NonEmptyListOf()
        select new string([.. characters.Take(64)]);

    private static Gen<string> Object(int depth) =>
        from members in Few(Value(depth))
        from space in Gen.Elements("", " ", "\n", "\r\n\t")
        select "{"
        + string.Join(
            ",", members.Select(
                (value, index) => string.Create(CultureInfo.InvariantCulture, $"{space}\"m\\u00e9{index}\"{space}:{value}"))) + space + "}";

    private static Gen<string> Value(int depth) =>
        depth <= 0 ? Gen.Elements("1", "-1.5e3", "\"\\n\\\"\"", "\"é\"", "true", "null") : Gen.OneOf(
        Value(0), Object(depth - 1), from items in Few(Value(depth - 1)) select $"[{string.Join(",", items)}]");
}
