using System.Globalization;
using System.Net;
using System.Text;
using PipeForkAs.Bench.Cases;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Reports;

/// <summary>Bars: the time of one request, and requests/s of 16 clients. Both scales are logarithmic, from decade to decade.</summary>
internal static class Chart
{
    private const int Width = 900;
    private const int Left = 230;
    private const int Right = 110;
    private const int RowHeight = 26;
    private const int Head = 64;

    public static string Draw(Comparison oneClient, Comparison? manyClients)
    {
        var text = new StringBuilder();
        int height = PanelHeight(oneClient) + (manyClients is null ? 0 : PanelHeight(manyClients)) + 16;
        text.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}"
                font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="#ffffff"/>

            """);
        Panel(text, 0, oneClient, "One client: time of a request in microseconds, p50; the line goes to p99 (less is better)",
            row => row.Median(r => r.P50), row => row.Median(r => r.P99));
        if (manyClients is not null)
            Panel(text, PanelHeight(oneClient), manyClients, "16 clients: requests per second (more is better)",
                row => row.Median(r => r.RequestsPerSecond), null);
        return text.AppendLine("</svg>").ToString();
    }

    private static int PanelHeight(Comparison comparison) => Head + comparison.Rows.Count * RowHeight + 16;

    private static void Panel(
        StringBuilder text, int top, Comparison comparison, string title, Func<Row, double> value, Func<Row, double>? tail)
    {
        Row[] rows = [.. comparison.Rows.Where(row => !double.IsNaN(value(row)))];
        if (rows.Length == 0)
            return;
        int low = (int)Math.Floor(Math.Log10(rows.Min(value)));
        int high = Math.Max(low + 1, (int)Math.Ceiling(Math.Log10(rows.Max(tail ?? value))));
        double X(double v) => Left + (Math.Log10(v) - low) / (high - low) * (Width - Left - Right);

        int bottom = top + Head + rows.Length * RowHeight;
        text.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"12\" y=\"{top + 26}\" font-size=\"15\" font-weight=\"bold\">{WebUtility.HtmlEncode(title)}</text>\n");
        for (int decade = low; decade <= high; decade++)
        {
            double x = X(Math.Pow(10, decade));
            text.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{x:0.0}\" y1=\"{top + Head - 6}\" x2=\"{x:0.0}\" y2=\"{bottom}\" stroke=\"#d0d0d0\"/>\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{x:0.0}\" y=\"{top + Head - 10}\" text-anchor=\"middle\" "
                + $"fill=\"#606060\">{Math.Pow(10, decade):#,0.###}</text>\n");
        }

        for (int i = 0; i < rows.Length; i++)
        {
            int y = top + Head + i * RowHeight;
            double end = X(value(rows[i])), whisker = tail is null ? end : X(tail(rows[i]));
            string colour = rows[i].Name == Field.FloorName
                ? "#606060"
                : rows[i].Name.StartsWith(Field.DefaultName, StringComparison.Ordinal) ? "#0b6e4f" : "#b08968";
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{Left - 10}\" y=\"{y + 16}\" text-anchor=\"end\">{WebUtility.HtmlEncode(rows[i].Name)}</text>\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"<rect x=\"{Left}\" y=\"{y + 3}\" width=\"{end - Left:0.0}\" height=\"{RowHeight - 8}\" fill=\"{colour}\"/>\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{end:0.0}\" y1=\"{y + 12}\" x2=\"{whisker:0.0}\" y2=\"{y + 12}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{Math.Max(end, whisker) + 6:0.0}\" y=\"{y + 16}\" fill=\"#303030\">{value(rows[i]):#,0}</text>\n");
        }
    }
}
