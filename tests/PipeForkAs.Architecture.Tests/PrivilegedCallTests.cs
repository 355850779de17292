using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

public sealed partial class PrivilegedCallTests
{
    [Fact]
    public void Ids_groups_and_capabilities_are_changed_in_the_workers_folder_alone()
    {
        Assert.NotEmpty(Callers(ChangeOfUser()));
        Assert.All(Callers(ChangeOfUser()), file => Assert.True(file.IsIn("src/PipeForkAs.Jobs/Worker"), $"{file} changes the user"));
    }

    [Fact]
    public void Fork_is_called_in_one_folder_alone()
    {
        Assert.NotEmpty(Callers(Fork()));
        Assert.All(Callers(Fork()), file => Assert.True(file.IsIn("src/PipeForkAs.Jobs/Forking"), $"{file} forks"));
    }

    [Fact]
    public void Libc_is_always_called_by_its_name_so_that_these_tests_see_it() =>
        Assert.DoesNotContain(Repository.SourceFiles, file => OtherName().IsMatch(file.Code));

    private static SourceFile[] Callers(Regex call) =>
        [.. Repository.SourceFiles.Where(file => !file.IsIn("src/PipeForkAs.LibC") && call.IsMatch(file.Code))];

    [GeneratedRegex(@"\bLibc\s*\.\s*(refused_)?(setresuid|setresgid|setgroups|capset)\b")]
    private static partial Regex ChangeOfUser();

    [GeneratedRegex(@"\bLibc\s*\.\s*fork\b")]
    private static partial Regex Fork();

    [GeneratedRegex(@"\busing\s+static\s+PipeForkAs\.LibC|\busing\s+\w+\s*=\s*PipeForkAs\.LibC")]
    private static partial Regex OtherName();
}
