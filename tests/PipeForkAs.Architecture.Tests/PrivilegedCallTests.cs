using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

public sealed partial class PrivilegedCallTests
{
    [Fact]
    public void Only_the_worker_folder_changes_ids_groups_and_capabilities()
    {
        Assert.NotEmpty(Callers(ChangeOfUser()));
        Assert.All(Callers(ChangeOfUser()), file => Assert.True(file.IsIn("src/PipeForkAs.Jobs/Worker"), $"{file} changes the user"));
    }

    [Fact]
    public void Only_one_folder_calls_fork()
    {
        Assert.NotEmpty(Callers(Fork()));
        Assert.All(Callers(Fork()), file => Assert.True(file.IsIn("src/PipeForkAs.Jobs/Forking"), $"{file} forks"));
    }

    [Fact]
    public void All_code_calls_Libc_by_its_name_so_that_these_tests_find_it() =>
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
