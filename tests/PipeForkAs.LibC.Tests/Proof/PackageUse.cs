using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>The parts of Tmds.LibC that PipeForkAs.LibC uses, from its metadata.</summary>
internal static class PackageUse
{
    private static readonly Type Package = typeof(Tmds.Linux.LibC);

    private static readonly (string[] Types, string[] Members) Used = Read();

    /// <summary>The types, except the one with all functions and constants.</summary>
    public static IEnumerable<Type> Types => Used.Types.Where(name => name != Package.Name)
        .Select(name => Package.Assembly.GetType($"{Package.Namespace}.{name}", throwOnError: true)!);

    /// <summary>The constants, which are properties.</summary>
    public static IEnumerable<PropertyInfo> Constants =>
        Used.Members.Where(name => name.StartsWith("get_", StringComparison.Ordinal)).Select(name => Package.GetProperty(name[4..])!);

    /// <summary>The names of the functions.</summary>
    public static IEnumerable<string> Functions => Used.Members.Where(name => !name.StartsWith("get_", StringComparison.Ordinal));

    /// <summary>The bindings of a function in the package: its overloads, or the methods that they call.</summary>
    public static DllImportAttribute[] Bindings(string function) =>
    [
        .. Package.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(method => method.Name == function || method.Name == $"_{function}")
            .Select(method => method.GetCustomAttribute<DllImportAttribute>()).OfType<DllImportAttribute>(),
    ];

    /// <summary>The value of a constant, of any type in the package.</summary>
    public static long Value(PropertyInfo constant) => constant.GetValue(null) switch
    {
        Tmds.Linux.mode_t mode => (ushort)mode,
        Tmds.Linux.sa_family_t family => (int)family,
        ulong number => unchecked((long)number),
        IConvertible number => number.ToInt64(null),
        var other => throw new InvalidOperationException($"{constant.Name} is {other}"),
    };

    private static (string[] Types, string[] Members) Read()
    {
        using var file = new PEReader(File.OpenRead(typeof(Libc).Assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        TypeReferenceHandle[] types =
        [
            .. metadata.TypeReferences
                .Where(handle => metadata.GetString(metadata.GetTypeReference(handle).Namespace) == Package.Namespace),
        ];
        TypeReferenceHandle functions = types.Single(handle => Name(handle) == Package.Name);
        return (
            [.. types.Select(Name).Order(StringComparer.Ordinal)],
            [.. metadata.MemberReferences.Select(metadata.GetMemberReference).Where(member => member.Parent == functions)
                .Select(member => metadata.GetString(member.Name)).Distinct().Order(StringComparer.Ordinal)]);

        string Name(TypeReferenceHandle handle) => metadata.GetString(metadata.GetTypeReference(handle).Name);
    }
}
