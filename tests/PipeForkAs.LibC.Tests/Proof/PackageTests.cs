using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>Checks the used parts of Tmds.LibC, and their list in README.md.</summary>
public sealed partial class PackageTests
{
    /// <summary>Functions that cannot fail, so they need no errno.</summary>
    private static readonly string[] NeverFail = ["_exit", "getegid", "geteuid", "getpid", "getppid"];

    [Fact]
    public void Every_constant_of_the_package_that_is_used_has_the_value_that_the_C_compiler_gives_it()
    {
        PropertyInfo[] constants = [.. PackageUse.Constants];
        Assert.True(constants.Length > 40, "the metadata does not show the constants");
        long[] expected = CCompiler.Evaluate(constants.Select(constant => constant.Name));
        Assert.Empty(constants.Zip(expected)
            .Where(pair => PackageUse.Value(pair.First) != pair.Second)
            .Select(pair => $"{pair.First.Name}: {PackageUse.Value(pair.First)}, in C {pair.Second}"));
    }

    [Fact]
    public void Every_number_of_the_package_has_the_size_that_the_C_compiler_gives_it()
    {
        long[] expected = CCompiler.Evaluate(PackageStructs.Numbers.Select(number => $"sizeof({number.CType})"));
        Assert.Equal(expected, PackageStructs.Numbers.Select(number => (long)SizeOf(number.Type)));
    }

    [Fact]
    public void Every_type_of_the_package_that_is_used_is_proved() => Assert.Empty(
        PackageUse.Types
            .Except(PackageStructs.All.Select(structure => structure.Type))
            .Except(PackageStructs.Numbers.Select(number => number.Type))
            .Except(PackageStructs.Parts));

    [Fact]
    public void Every_function_of_the_package_that_is_used_is_bound_to_the_library_that_is_linked_directly()
    {
        Assert.NotEmpty(PackageUse.Functions);
        Assert.All(PackageUse.Functions, function => Assert.All(Bindings(function), binding => Assert.Equal("libc.so.6", binding.Value)));
    }

    [Fact]
    public void Every_function_of_the_package_that_is_used_keeps_errno_if_it_can_fail() => Assert.All(
        PackageUse.Functions,
        function => Assert.All(Bindings(function), binding => Assert.Equal(!NeverFail.Contains(function), binding.SetLastError)));

    [Fact]
    public void The_table_in_the_README_lists_what_comes_from_the_package_and_what_is_ours()
    {
        string text = File.ReadAllText(Path.Combine(Sources(), "README.md"));
        Assert.Equal(PackageUse.Functions, Listed(text, "Functions of the package"));
        Assert.Equal(OwnFunctions(), Listed(text, "Functions of ours"));
        Assert.Equal(Names(PackageStructs.All.Select(structure => structure.Type)), Listed(text, "Structures of the package"));
        Assert.Equal(
            Names(CStructs.All.Select(structure => structure.Type).Where(type => type.DeclaringType == typeof(Own))),
            Listed(text, "Structures of ours"));
    }

    [Fact]
    public void Own_declarations_that_the_package_also_has_give_a_reason()
    {
        string text = File.ReadAllText(Path.Combine(Sources(), "README.md"));
        string[] both = [.. OwnFunctions().Where(function => PackageUse.Bindings(function).Length > 0)];
        Assert.Equal(both, Names(Section(text, "Functions of ours").Split("It has them too")[1]));
    }

    /// <summary>When this fails, the package was fixed: use its declaration, and remove ours.</summary>
    [Fact]
    public void The_reasons_for_own_declarations_are_still_valid()
    {
        Assert.All(Bindings("poll"), binding => Assert.False(binding.SetLastError));
        Assert.All(Bindings("close"), binding => Assert.True(binding.SetLastError));
        Assert.All(Bindings("pthread_sigmask"), binding => Assert.NotEqual("libc.so.6", binding.Value));
        long code = CCompiler.Evaluate(["offsetof(siginfo_t, si_code)"]).Single();
        Assert.NotEqual(code, Marshal.OffsetOf<Tmds.Linux.siginfo_t>("si_code"));
    }

    [Fact]
    public void Own_declarations_are_in_one_folder()
    {
        string[] declaring =
        [
            .. Directory.EnumerateFiles(Sources(), "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && Import().IsMatch(File.ReadAllText(file))),
        ];
        Assert.NotEmpty(declaring);
        Assert.All(declaring, file => Assert.Equal(Path.Combine(Sources(), "Own"), Path.GetDirectoryName(file)));
    }

    private static DllImportAttribute[] Bindings(string function)
    {
        DllImportAttribute[] bindings = PackageUse.Bindings(function);
        Assert.True(bindings.Length > 0, $"the package does not bind {function}");
        return bindings;
    }

    private static IEnumerable<string> OwnFunctions() =>
        typeof(Own).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).Select(method => method.Name)
            .Where(name => !name.StartsWith('<')).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Listed(string text, string heading) => Names(Section(text, heading));

    private static IEnumerable<string> Names(string section) =>
        section.Split('\n').Where(line => line.StartsWith('|'))
            .SelectMany(line => Name().Matches(line.Split('|')[1])).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names(IEnumerable<Type> types) => types.Select(type => type.Name).Order(StringComparer.Ordinal);

    private static string Section(string text, string heading) => text.Split($"\n## {heading}\n")[1].Split("\n## ")[0];

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>The folder of the sources of LibC.</summary>
    private static string Sources()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "PipeForkAs.sln")))
                return Path.Combine(folder, "src", "PipeForkAs.LibC");
        }

        throw new InvalidOperationException("the tests do not run in the repository");
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\b(DllImport|LibraryImport)\b\s*\(|\bdelegate\* unmanaged")]
    private static partial Regex Import();
}
