using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PipeForkAs.Architecture.Tests;

public sealed partial class RepositoryTests
{
    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Path.Combine(Repository.Root, "PipeForkAs.sln"));
        string[] listed = [.. SolutionProject().Matches(solution).Select(match => match.Groups[1].Value.Replace('\\', '/'))];
        string[] projects = [.. Repository.Projects.Select(project => project.Path)];
        Assert.Empty(projects.Except(listed));
        Assert.Empty(listed.Except(projects));
    }

    [Fact]
    public void One_file_has_all_package_versions()
    {
        Assert.All(Repository.Projects, project => Assert.DoesNotContain(project.Packages, SaysVersion));
        Assert.All(
            Repository.Files("*.props", "*.targets"), path => Assert.DoesNotContain(Elements(path, "PackageReference"), SaysVersion));
        Assert.Equal("true", Assert.Single(Elements("Directory.Build.props", "ManagePackageVersionsCentrally")).Value);
        Assert.DoesNotContain(Repository.Projects, project => project.Mentions("ManagePackageVersionsCentrally"));
    }

    [Fact]
    public void A_project_uses_every_package_version()
    {
        IEnumerable<string> used = Repository.Projects.SelectMany(project => project.Packages)
            .Concat(Repository.Files("*.props", "*.targets").SelectMany(path => Elements(path, "PackageReference")))
            .Select(package => (string)package.Attribute("Include")!);
        Assert.Equal(
            used.Distinct().Order(StringComparer.Ordinal),
            Elements("Directory.Packages.props", "PackageVersion").Select(version => (string)version.Attribute("Include")!).Order(
                StringComparer.Ordinal));
    }

    [Fact]
    public void Every_project_has_its_lock_file() => Assert.All(
        Repository.Projects,
        project =>
            Assert.True(
                File.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(project.Path)!, "packages.lock.json")), project.Path));

    [Fact]
    public void Warnings_are_errors_in_every_project()
    {
        Assert.Equal("true", Assert.Single(Elements("Directory.Build.props", "TreatWarningsAsErrors")).Value);
        Assert.DoesNotContain(
            Repository.Projects, project => project.Mentions("TreatWarningsAsErrors") || project.Mentions("AnalysisLevel"));
    }

    [Fact]
    public void A_skipped_test_gives_a_reason()
    {
        Assert.DoesNotContain(Repository.TestFiles, file => SilentSkipAttribute().IsMatch(file.Text));
        Assert.DoesNotContain(Repository.TestFiles, file => SilentSkipCall().IsMatch(file.Text));
    }

    /// <summary>
    /// A library that is bound at its first call hashes strings: if that happens before a fork, every worker has the same hash seed.
    /// </summary>
    [Theory]
    [InlineData("src/PipeForkAs.Daemon/PipeForkAs.Daemon.csproj")]
    [InlineData("src/PipeForkAs.Jobs/build/PipeForkAs.Runtime.targets")]
    public void The_C_library_is_linked_directly_under_each_name_in_the_bindings(string path) =>
        Assert.Superset(
            new HashSet<string> { "libc", "libc.so.6" },
            Elements(path, "DirectPInvoke").Select(element => (string)element.Attribute("Include")!).ToHashSet());

    private static bool SaysVersion(XElement package) =>
        package.Attributes().Select(attribute => attribute.Name.LocalName).Concat(
            package.Elements().Select(element => element.Name.LocalName))
            .Any(name => name is "Version" or "VersionOverride");

    private static IEnumerable<XElement> Elements(string path, string name) =>
        XDocument.Load(Path.Combine(Repository.Root, path)).Descendants().Where(element => element.Name.LocalName == name);

    [GeneratedRegex("""= "[^"]*", "([^"]*\.csproj)",""")]
    private static partial Regex SolutionProject();

    /// <summary>A Skip in an attribute without a reason of some length.</summary>
    [GeneratedRegex("""\bSkip\s*=\s*(?!\s|\$?"[^"]{10,}")""")]
    private static partial Regex SilentSkipAttribute();

    /// <summary>A call of Assert.Skip or a similar method whose last argument is not a text of some length.</summary>
    [GeneratedRegex("""\bAssert\.Skip(?:When|Unless)?\((?!(?:[^;]*,)?\s*\$?"[^"]{10,}"\);)""")]
    private static partial Regex SilentSkipCall();
}
