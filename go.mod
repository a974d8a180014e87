module github.com/postburn/postburn

go 1.26
