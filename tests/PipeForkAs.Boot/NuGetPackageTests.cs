using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;
using PipeForkAs.Tests;

namespace PipeForkAs.Boot;

/// <summary>Opens the NuGet packages.</summary>
public sealed class NuGetPackageTests
{
    private static readonly string Version =
        XDocument.Load(Path.Combine(Page.Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    /// <summary>The packages with a library, and the frameworks of each.</summary>
    private static readonly Dictionary<string, string[]> Libraries = new()
    {
        ["PipeForkAs.Client"] = ["net10.0", "net8.0"],
        ["PipeForkAs.Jobs"] = ["net10.0"],
        ["PipeForkAs.Jobs.Testing"] = ["net10.0"],
        ["PipeForkAs.LibC"] = ["net10.0"],
        ["PipeForkAs.Protocol"] = ["net10.0", "net8.0"],
    };

    private static readonly string[] Names = [.. Libraries.Keys.Append("PipeForkAs.Templates").Order(StringComparer.Ordinal)];

    public static TheoryData<string> All => [.. Names];

    public static TheoryData<string> WithLibraries => [.. Libraries.Keys];

    [Fact]
    public void What_is_meant_to_be_a_package_is_one_and_nothing_else()
    {
        Assert.Equal(Names.Select(name => $"{name}.{Version}.nupkg"), Files("*.nupkg"));
        Assert.Equal(
            Libraries.Keys.Order(StringComparer.Ordinal).Select(name => $"{name}.{Version}.snupkg"), Files("*.snupkg"));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_package_has_its_README_icon_licence_and_version(string name)
    {
        using ZipArchive package = Open(name);
        Assert.StartsWith($"# {name}\n", Text(package, "README.md"), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Page.Root, "packaging/icon.png")), Bytes(package, "icon.png"));
        XElement metadata = Metadata(package, name);
        Assert.Equal(
            [name, Version, "MIT", "icon.png", "README.md"],
            ((string[])["id", "version", "license", "icon", "readme"]).Select(element => Value(metadata, element)));
        Assert.True(Value(metadata, "description").Length > 20);
    }

    [Theory]
    [MemberData(nameof(WithLibraries))]
    public void A_library_has_its_documentation_and_symbols_and_can_be_trimmed(string name)
    {
        using ZipArchive package = Open(name);
        using ZipArchive symbols = Open(name, "snupkg");
        string[] expected =
        [
            .. Libraries[name].SelectMany(framework => (string[])[$"lib/{framework}/{name}.dll", $"lib/{framework}/{name}.xml"]),
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            Paths(package).Where(path => path.StartsWith("lib/", StringComparison.Ordinal)));
        Assert.Equal(
            Libraries[name].Select(framework => $"lib/{framework}/{name}.pdb").Order(StringComparer.Ordinal),
            Paths(symbols).Where(path => path.EndsWith(".pdb", StringComparison.Ordinal)));
        Assert.All(Libraries[name], framework =>
        {
            string[] attributes = Attributes(Bytes(package, $"lib/{framework}/{name}.dll"));
            Assert.Contains("IsTrimmable True", attributes);

            // The SDK writes the other one for .NET 10 and later.
            Assert.Equal(framework == "net10.0", attributes.Contains("IsAotCompatible True"));
        });
    }

    /// <summary>They know each other's internals.</summary>
    [Theory]
    [MemberData(nameof(WithLibraries))]
    public void A_package_takes_the_others_in_its_own_version_alone(string name)
    {
        using ZipArchive package = Open(name);
        XElement[] own =
        [
            .. Metadata(package, name).Descendants().Where(element => element.Name.LocalName == "dependency"
                && ((string)element.Attribute("id")!).StartsWith("PipeForkAs.", StringComparison.Ordinal)),
        ];
        Assert.Equal(name is not ("PipeForkAs.LibC" or "PipeForkAs.Protocol"), own.Length > 0);
        Assert.All(own, dependency => Assert.Equal($"[{Version}]", (string)dependency.Attribute("version")!));

        // Code of job authors does not compile against the C library.
        IEnumerable<string> parts = own.Where(dependency => (string)dependency.Attribute("id")! == "PipeForkAs.LibC")
            .Select(dependency => (string?)dependency.Attribute("include") ?? "all");
        Assert.All(parts, included => Assert.DoesNotMatch("Compile|all", included));
    }

    [Theory]
    [InlineData("build")]
    [InlineData("buildTransitive")]
    public void What_makes_a_job_host_travels_with_its_package(string folder)
    {
        using ZipArchive package = Open("PipeForkAs.Jobs");
        string source = Path.Combine(Page.Root, "src/PipeForkAs.Jobs/build");
        string[] files = [.. Directory.GetFiles(source).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];
        Assert.Contains("PipeForkAs.Jobs.targets", files);
        Assert.Equal(
            files.Select(file => $"{folder}/{file}"),
            Paths(package).Where(path => path.StartsWith($"{folder}/", StringComparison.Ordinal)));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(source, file)), Bytes(package, $"{folder}/{file}")));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void No_path_of_the_machine_that_built_it_is_in_a_package(string name)
    {
        byte[] root = Encoding.UTF8.GetBytes(Page.Root + "/");
        string[] kinds = Libraries.ContainsKey(name) ? ["nupkg", "snupkg"] : ["nupkg"];
        foreach (string kind in kinds)
        {
            using ZipArchive package = Open(name, kind);
            Assert.DoesNotContain(Paths(package), path => Bytes(package, path).AsSpan().IndexOf(root) >= 0);
        }
    }

    [Fact]
    public void No_version_in_the_templates_is_left_open()
    {
        using ZipArchive package = Open("PipeForkAs.Templates");
        string[] projects = [.. Paths(package).Where(path => path.EndsWith(".csproj", StringComparison.Ordinal))];
        Assert.Equal(3, projects.Length);
        Assert.All(projects, path => Assert.Matches($"Include=\"PipeForkAs\\.[A-Za-z.]+\" Version=\"{Version}\"", Text(package, path)));
        Assert.DoesNotContain(
            Paths(package).Where(path => path.StartsWith("content/", StringComparison.Ordinal)),
            path => Text(package, path).Contains('@', StringComparison.Ordinal));
    }

    private static IEnumerable<string> Files(string pattern) =>
        Directory.GetFiles(TemplateTests.Packages, pattern).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    private static ZipArchive Open(string name, string kind = "nupkg") =>
        ZipFile.OpenRead(Path.Combine(TemplateTests.Packages, $"{name}.{Version}.{kind}"));

    private static IEnumerable<string> Paths(ZipArchive package) =>
        package.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal);

    private static byte[] Bytes(ZipArchive package, string path)
    {
        using Stream entry = (package.GetEntry(path) ?? throw new InvalidOperationException($"there is no {path}")).Open();
        using var content = new MemoryStream();
        entry.CopyTo(content);
        return content.ToArray();
    }

    private static string Text(ZipArchive package, string path) => Encoding.UTF8.GetString(Bytes(package, path));

    private static XElement Metadata(ZipArchive package, string name)
    {
        using Stream nuspec = package.GetEntry($"{name}.nuspec")!.Open();
        return XDocument.Load(nuspec).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private static string Value(XElement metadata, string name) =>
        metadata.Elements().Single(element => element.Name.LocalName == name).Value;

    /// <summary>The AssemblyMetadata attributes of a library: name and value.</summary>
    private static string[] Attributes(byte[] library)
    {
        using var file = new PEReader(new MemoryStream(library));
        MetadataReader reader = file.GetMetadataReader();
        var found = new List<string>();
        foreach (CustomAttributeHandle handle in reader.GetAssemblyDefinition().GetCustomAttributes())
        {
            // A blob of two strings: 1 as two bytes, then each with its length.
            CustomAttribute attribute = reader.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind != HandleKind.MemberReference)
                continue;
            MemberReference constructor = reader.GetMemberReference((MemberReferenceHandle)attribute.Constructor);
            TypeReference type = reader.GetTypeReference((TypeReferenceHandle)constructor.Parent);
            if (reader.GetString(type.Name) != "AssemblyMetadataAttribute")
                continue;
            BlobReader blob = reader.GetBlobReader(attribute.Value);
            blob.ReadUInt16();
            found.Add($"{blob.ReadSerializedString()} {blob.ReadSerializedString()}");
        }

        return [.. found];
    }
}
