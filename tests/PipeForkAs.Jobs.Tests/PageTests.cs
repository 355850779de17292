using System.Text.RegularExpressions;
using PipeForkAs.Tests;

namespace PipeForkAs.Jobs.Tests;

/// <summary>Checks that the manual page for authors describes all attributes of a job.</summary>
public sealed class PageTests
{
    [Fact]
    public void The_page_lists_exactly_the_attributes_of_a_job() => Assert.Equal(
        typeof(Job).GetMethods().Where(method => method.ReturnType == typeof(Job)).Select(method => method.Name).Distinct().Order(),
        Regex.Matches(Page.Manual("pipeforkas-jobs.7"), @"(?m)^\.It Fn (\w+)$").Select(match => match.Groups[1].Value).Order());
}
