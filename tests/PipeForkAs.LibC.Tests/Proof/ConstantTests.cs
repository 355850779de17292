using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PipeForkAs.LibC.Tests.Proof;

public sealed class ConstantTests
{
    private const BindingFlags Everything = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    [Fact]
    public void Every_constant_has_the_value_that_the_C_compiler_gives_it()
    {
        FieldInfo[] constants = [.. Constants().Where(constant => !CNames.Own.ContainsKey(CNames.Key(constant)))];
        Assert.True(constants.Length > 100, "reflection does not find the constants");

        long[] expected = CCompiler.Evaluate(constants.Select(CNames.Of));

        string[] wrong = [.. constants.Zip(expected)
            .Where(pair => Value(pair.First) != pair.Second)
            .Select(pair => $"{CNames.Key(pair.First)} is {Value(pair.First)}, in C {pair.Second}")];
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_signal_with_a_name_has_the_number_that_the_C_compiler_gives_the_name()
    {
        string[] names = [.. Enumerable.Range(1, 31).Select(number => new Signal(number).ToString())];
        Assert.Equal(Enumerable.Range(1, 31).Select(number => (long)number), CCompiler.Evaluate(names));
        Assert.Equal("signal 34", new Signal(34).ToString());
    }

    [Fact]
    public void Every_errno_has_its_name_in_its_text()
    {
        foreach (FieldInfo field in Constants().Where(field => field.FieldType == typeof(Errno) && field.Name != nameof(Errno.None)))
            Assert.StartsWith($"{field.Name} (", field.GetValue(null)!.ToString());
        Assert.StartsWith("errno 72 (", new Errno(72).ToString());
    }

    [Fact]
    public void No_exception_from_the_proof_names_a_removed_constant() =>
        Assert.Empty(CNames.Unused(Constants().Select(CNames.Key)));

    /// <summary>Constants, members of enumerations, and the named values of <see cref="Errno"/> and <see cref="Signal"/>.</summary>
    private static IEnumerable<FieldInfo> Constants() =>
        from type in typeof(Libc).Assembly.GetTypes()
        where !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
            && type.Namespace?.StartsWith("PipeForkAs", StringComparison.Ordinal) == true
        from field in type.GetFields(Everything)
        where field.IsLiteral || (field.FieldType == type && (type == typeof(Errno) || type == typeof(Signal)))
        select field;

    private static long Value(FieldInfo constant) => (constant.IsLiteral ? constant.GetRawConstantValue() : constant.GetValue(null)) switch
    {
        Errno errno => errno.Value,
        Signal signal => signal.Number,
        ulong large => unchecked((long)large),
        IConvertible number => number.ToInt64(CultureInfo.InvariantCulture),
        var other => throw new InvalidOperationException($"{CNames.Key(constant)} is {other}"),
    };
}
