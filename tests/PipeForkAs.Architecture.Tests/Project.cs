using System.Xml.Linq;

namespace PipeForkAs.Architecture.Tests;

/// <summary>A project file.</summary>
internal sealed class Project(string path)
{
    private readonly XDocument document = XDocument.Load(System.IO.Path.Combine(Repository.Root, path));

    public string Path { get; } = path;

    public string Name { get; } = System.IO.Path.GetFileNameWithoutExtension(path);

    /// <summary>Names of the projects that it references, whatever the condition.</summary>
    public IEnumerable<string> References =>
        Included("ProjectReference").Select(include => System.IO.Path.GetFileNameWithoutExtension(include.Replace('\\', '/')));

    public IEnumerable<XElement> Packages => Elements("PackageReference");

    public bool HasProperty(string name, string value) =>
        Elements(name).Any(element => element.Value.Trim().Equals(value, StringComparison.OrdinalIgnoreCase));

    public bool Mentions(string name) => Elements(name).Any();

    /// <summary>Whether projects that refer to this one do not compile against a project that this one refers to.</summary>
    public bool HidesReference(string name) => Elements("ProjectReference").Any(element =>
        ((string?)element.Attribute("Include"))?.EndsWith($"{name}.csproj", StringComparison.Ordinal) == true
        && (string?)element.Attribute("PrivateAssets") == "compile");

    private IEnumerable<string> Included(string item) => Elements(item).Select(element => (string?)element.Attribute("Include") ?? "");

    private IEnumerable<XElement> Elements(string name) => document.Descendants().Where(element => element.Name.LocalName == name);
}
