"""The words of the HTML report of judged answers in Simplified Chinese, for ``analysis.report``."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "language": "zh-CN",
    "title": "RAVEN · 评判过的回答",
    "made": "由 RAVEN {version} 于 {when} 生成。筛选条件：{filters}。",
    "no_filters": "无",
    "overall": "{n} 条评判中有 {success} 条为成功：{rate}（{low} 至 {high}）。不同回答：{answers} 个。",
    "nothing": "没有符合筛选条件的评判。",
    "method": "{method}；同一回答的多条评判在区间中只计一次。",
    "method_name": "95% Wilson 得分区间",
    "by": "按{what}分组",
    "by_cell": "提供给模型的近邻内容",
    "by_task": "任务",
    "by_question_type": "问题类型",
    "by_domain": "领域",
    "by_tag": "错误标签",
    "by_band": "最近邻相似度",
    "by_adapter": "适配器",
    "by_annotator": "标注者",
    "group": "组",
    "verdicts": "评判数",
    "rate": "成功率",
    "interval": "95% 置信区间",
    "unnamed": "（无）",
    "flow": "从{before}到{after}",
    "flow_line": "在两种条件下都评判过的 {queries} 个请求中，检索有益 {helped} 个，有害 {hurt} 个，"
    "{same} 个没有变化（McNemar 精确检验：p = {p}）。",
    "wins": "盲评对比",
    "wins_line": "有检索胜 {wins} 次，无检索胜 {losses} 次：在分出高下的对比中占 {rate}（{low} 至 {high}）。"
    "平局：都好 {both_good}，都不好 {both_bad}。",
    "agreement": "一致性",
    "agreement_line": "{annotators} 位标注者，{units} 个回答由至少两人评判：{percent} 相同；{kappa_name} {kappa}；"
    "Krippendorff's alpha {alpha}（{low} 至 {high}，自助法）。",
    "failures": "失败",
    "partly": "部分成功",
    "successes": "成功",
    "question": "问题",
    "caption_task": "描述这张图像。",
    "answer": "回答",
    "correction": "更正",
    "note": "备注",
    "neighbours": "近邻",
    "picture_gone": "图像已不存在",
}
"""Key → words."""
